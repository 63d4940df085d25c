# DFER-CLIP on MAFW's eleven single emotions as a closed set, for UAR and WAR; `--split` is the
# fold, 1 to 5.
_base_ = [
    '_base_/datasets/mafw_closed.py', '_base_/models/clip.py', '_base_/schedules/short.py',
    '_base_/default_runtime.py'
]
model = dict(
    known=_base_.known,
    backbone=dict(frozen=False),
    neck=dict(
        type='TemporalTransformer', clip=_base_.clip, num_frames=_base_.num_frames, depth=1),
    cls_head=dict(
        type='CoOpHead', clip=_base_.clip, num_contexts=8, class_specific=True, descriptions=True))
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={
        'backbone': dict(lr_mult=0.01),
        'neck': dict(lr_mult=10.0)}))
