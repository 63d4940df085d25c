# CoCoOp (CVPR 2022): contexts shifted by a small network of the video feature; frozen CLIP.
# It is coop_afew_o34.py with another head and rate.
_base_ = './coop_afew_o34.py'
model = dict(cls_head=dict(type='CoCoOpHead', num_contexts=4))
optim_wrapper = dict(optimizer=dict(lr=0.1))
