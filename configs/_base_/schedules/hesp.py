# The short schedule, with a tenth of its rate for the pixels of the visual prompt. A larger rate
# brought nothing, and a much larger one did harm (docs/choices.md).
_base_ = './short.py'
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'visual_prompt.delta': dict(lr_mult=0.1)}))
