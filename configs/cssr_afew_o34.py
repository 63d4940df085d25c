# CSSR (TPAMI 2022): an auto-encoder per class on the maps of a frozen CLIP.
_base_ = './linear_probe_afew_o34.py'
model = dict(
    backbone=dict(dense=True),
    pool=False,
    neck=dict(type='KeepPlaces'),
    cls_head=dict(type='CSSRHead'))
optim_wrapper = dict(optimizer=dict(lr=0.1))
