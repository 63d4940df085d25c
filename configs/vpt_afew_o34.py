# VPT (ECCV 2022): learned tokens in every block of a frozen CLIP, fixed texts.
_base_ = './linear_probe_afew_o34.py'
model = dict(
    backbone=dict(type='VPTTower', num_tokens=8, deep=True),
    cls_head=dict(type='FixedTextHead'))
optim_wrapper = dict(optimizer=dict(
    _delete_=True, type='AdamW', lr=0.01, betas=(0.9, 0.999), weight_decay=0.01))
