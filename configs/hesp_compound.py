# HESP on MAFW, the seven basic emotions known and the nine compounds made of them unknown.
_base_ = [
    '_base_/datasets/compound.py', '_base_/models/hesp.py', '_base_/schedules/hesp.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='compound', openness='7:9')
model = dict(
    known=_base_.known,
    cls_head=dict(score_kind='joint_of_compounds'),
    neck=dict(num_frames=_base_.num_frames))
