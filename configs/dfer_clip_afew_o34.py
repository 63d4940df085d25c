# DFER-CLIP (BMVC 2023): CLIP's image tower fine-tuned, a transformer over time, descriptions of the
# expressions after 8 learned contexts per class. Three learning rates, as published.
_base_ = './coop_afew_o34.py'
model = dict(
    backbone=dict(frozen=False),
    neck=dict(
        _delete_=True, type='TemporalTransformer', clip=_base_.clip, num_frames=_base_.num_frames,
        depth=1),
    cls_head=dict(num_contexts=8, class_specific=True, descriptions=True))
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={
        'backbone': dict(lr_mult=0.01),
        'neck': dict(lr_mult=10.0)}))
