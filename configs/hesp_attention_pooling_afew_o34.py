# HESP with AutoLabel's self-attention pooling over time in place of the learned filter.
_base_ = './hesp_afew_o34.py'
clip = dict(arch='ViT-B-32', pretrained='openai')
model = dict(neck=dict(_delete_=True, type='AttentionPooling', clip=clip))
