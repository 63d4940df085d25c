# HESP with AutoLabel's self-attention pooling over time in place of the learned filter. It is
# hesp_afew_o34.py with another neck.
_base_ = './hesp_afew_o34.py'
model = dict(neck=dict(_delete_=True, type='AttentionPooling', clip=_base_.clip))
