# HESP with VPT's tokens in place of its visual prompt.
_base_ = './hesp_afew_o34.py'
model = dict(
    visual_prompt=None,
    backbone=dict(_delete_=True, type='VPTTower', num_tokens=8, deep=True, **_base_.clip))
