# The short schedule; at its full rate the pixels of the visual prompt fit the few training clips
# (docs/choices.md).
_base_ = './short.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'visual_prompt.delta': dict(lr_mult=0.1)}))
