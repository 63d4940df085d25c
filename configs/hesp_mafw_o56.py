# HESP on MAFW, five emotions known and six unknown. `--split 0..4` chooses the published split.
_base_ = [
    '_base_/datasets/mafw.py', '_base_/models/hesp.py', '_base_/schedules/hesp.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='MAFW', openness='5:6')
model = dict(
    known=_base_.known,
    neck=dict(num_frames=_base_.num_frames))
