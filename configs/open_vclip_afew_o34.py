# Open-VCLIP (ICML 2023): CLIP fine-tuned on the known emotions, attention over neighbouring frames,
# weights interpolated with CLIP's while training and after it; fixed texts.
_base_ = './linear_probe_afew_o34.py'
model = dict(
    type='InterpolatedRecognizer',
    backbone=dict(type='TemporalViewTower', frozen=False),
    clip_input=True,
    cls_head=dict(type='FixedTextHead'))
optim_wrapper = dict(optimizer=dict(
    _delete_=True, type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.01))
custom_hooks = [*_base_.custom_hooks, dict(type='WeightPatchHook', ratio=0.5)]
