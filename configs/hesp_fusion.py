# HESP on AFEW and MAFW together, the seven basic emotions known and MAFW's other four unknown.
_base_ = [
    '_base_/datasets/fusion.py', '_base_/models/hesp.py', '_base_/schedules/hesp.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='fusion', openness='7:4')
model = dict(
    known=_base_.known,
    neck=dict(num_frames=_base_.num_frames))
