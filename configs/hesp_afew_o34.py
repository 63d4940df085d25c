# HESP on AFEW, three emotions known and four unknown. `--split 0..4` chooses the published split.
_base_ = [
    '_base_/datasets/afew.py', '_base_/models/hesp.py', '_base_/schedules/hesp.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(
    known=_base_.known,
    neck=dict(num_frames=_base_.num_frames))
