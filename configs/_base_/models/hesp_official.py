# HESP as the released code behaves. A leaf also inherits
# _base_/schedules/official.py.
_base_ = './hesp.py'
model = dict(
    neck=dict(type='TemporalMean'),
    visual_prompt=dict(mode='add', region='dataset'),  # one window for the whole run
    cls_head=dict(
        negative_kind='arpl', fusion='logit', score_kind='logit', symmetric=False,
        feature_length=None,
        loss_weights=dict(margin=0.1, hold=0.0)))
