# DEAR (ICCV 2021): evidential classifier with calibration, and contrastive evidence debiasing on
# the maps of a frozen CLIP.
_base_ = './linear_probe_afew_o34.py'
model = dict(
    backbone=dict(dense=True),
    pool=False,
    neck=dict(_delete_=True, type='DebiasNeck', clip=_base_.clip, num_classes=len(_base_.known)),
    cls_head=dict(type='EvidentialHead', calibration_weight=0.1))
optim_wrapper = dict(optimizer=dict(lr=0.03))
