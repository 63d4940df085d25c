# The intensity-aware loss (AAAI 2023) on a frozen CLIP with a transformer over time.
_base_ = './linear_probe_afew_o34.py'
model = dict(
    neck=dict(
        _delete_=True, type='TemporalTransformer', clip=_base_.clip, num_frames=_base_.num_frames),
    cls_head=dict(type='IALHead'))
