# finetune_afew_o34.py with a transformer over time in place of the mean.
_base_ = './finetune_afew_o34.py'
model = dict(
    neck=dict(
        _delete_=True, type='TemporalTransformer', clip=_base_.clip, num_frames=_base_.num_frames))
