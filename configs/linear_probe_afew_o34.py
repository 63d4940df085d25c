# A linear classifier on a frozen CLIP.
_base_ = [
    '_base_/datasets/afew.py', '_base_/models/clip.py', '_base_/schedules/short.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(known=_base_.known, cls_head=dict(type='LinearHead', clip=_base_.clip))
