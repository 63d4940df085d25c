# HESP as the paper describes it.
_base_ = './hesp.py'
model = dict(
    neck=dict(type='TemporalMean'),
    visual_prompt=dict(mode='replace', region='cam'),
    cls_head=dict(
        negative_kind='euclidean', fusion='prob', score_kind='prob', symmetric=True,
        feature_length=None,
        loss_weights=dict(hold=0.0)))
