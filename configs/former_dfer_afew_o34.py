# Former-DFER (ACM MM 2021): ResNet-18 with a transformer over places, another over time; trained
# from random weights. The paper has 16 frames of 112 pixels.
_base_ = [
    '_base_/datasets/afew.py', '_base_/schedules/short.py', '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(
    type='PromptedRecognizer',
    known=_base_.known,
    backbone=dict(type='SpatialFormer', image_size=_base_.image_size),
    neck=dict(
        type='TemporalTransformer', in_channels=512, num_frames=_base_.num_frames, depth=3),
    cls_head=dict(type='LinearHead', in_channels=512))
optim_wrapper = dict(optimizer=dict(
    _delete_=True, type='AdamW', lr=3e-4, betas=(0.9, 0.999), weight_decay=0.01))
