# DEAR's evidential head on an ordinary Recognizer3D of MMAction2: Video Swin (tiny), trained whole.
# For a real run start from Swin-T on ImageNet: model.backbone.pretrained=FILE
# model.backbone.pretrained2d=True.
_base_ = [
    '_base_/datasets/afew_3d.py', '_base_/schedules/short.py', '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='SwinTransformer3D', arch='tiny', pretrained=None, pretrained2d=False,
        patch_size=(2, 4, 4), window_size=(8, 7, 7), mlp_ratio=4.0, qkv_bias=True,
        drop_path_rate=0.1, patch_norm=True),
    cls_head=dict(
        type='EvidentialHead', known=_base_.known, in_channels=768, calibration_weight=0.1),
    data_preprocessor=dict(
        type='ActionDataPreprocessor', format_shape='NCTHW',
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
optim_wrapper = dict(optimizer=dict(
    _delete_=True, type='AdamW', lr=3e-4, betas=(0.9, 0.999), weight_decay=0.05))
