# A linear classifier on CLIP, both trained; CLIP's image tower learns at 1/100 of the rate.
_base_ = './linear_probe_afew_o34.py'
model = dict(backbone=dict(frozen=False))
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.01)}))
