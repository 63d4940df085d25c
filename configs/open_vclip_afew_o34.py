# Open-VCLIP (ICML 2023): CLIP fine-tuned on the known emotions, attention over neighbouring frames,
# weights interpolated with CLIP's while training and after it; fixed texts.
_base_ = [
    '_base_/datasets/afew.py', '_base_/schedules/short.py', '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
clip = dict(arch='ViT-B-32', pretrained='openai')  # 'openai' downloads; or the path of a file
model = dict(
    type='InterpolatedRecognizer',
    known=_base_.known,
    backbone=dict(type='TemporalViewTower', frozen=False, **clip),
    clip_input=True,
    neck=dict(type='TemporalMean'),
    cls_head=dict(type='FixedTextHead', clip=clip))
optim_wrapper = dict(optimizer=dict(
    _delete_=True, type='AdamW', lr=1e-4, betas=(0.9, 0.999), weight_decay=0.01))
custom_hooks = [*_base_.custom_hooks, dict(type='WeightPatchHook', ratio=0.5)]
