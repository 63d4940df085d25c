# DIAS without its GAN (ECCV 2022) on a frozen CLIP.
# It is linear_probe_afew_o34.py with another head.
_base_ = './linear_probe_afew_o34.py'
model = dict(cls_head=dict(type='DIASHead'))
