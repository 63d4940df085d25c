# HESP's head on a 3-D backbone of MMAction2 (SlowOnly). It takes clips, so the negatives are
# points in feature space instead of images.
_base_ = './hesp_tsn_r50_afew_o34.py'
model = dict(
    clip_input=True,
    backbone=dict(
        _delete_=True, type='ResNet3dSlowOnly', depth=50, pretrained=None, lateral=False,
        conv1_kernel=(1, 7, 7), conv1_stride_t=1, pool1_stride_t=1, inflate=(0, 0, 1, 1),
        norm_eval=False),
    negatives=dict(_delete_=True, type='NegativePoints', dim=2048))
