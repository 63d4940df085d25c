# VPT (ECCV 2022): learned tokens in every block of a frozen CLIP, fixed texts.
_base_ = [
    '_base_/datasets/afew.py', '_base_/schedules/short.py', '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
clip = dict(arch='ViT-B-32', pretrained='openai')  # 'openai' downloads; or the path of a file
model = dict(
    type='PromptedRecognizer',
    known=_base_.known,
    backbone=dict(type='VPTTower', num_tokens=8, deep=True, **clip),
    neck=dict(type='TemporalMean'),
    cls_head=dict(type='FixedTextHead', clip=clip))
optim_wrapper = dict(optimizer=dict(
    _delete_=True, type='AdamW', lr=0.01, betas=(0.9, 0.999), weight_decay=0.01))
