# AFEW for MMAction2's Recognizer3D: one clip of `num_frames` frames, spread over the video, in the
# order (C, T, H, W).
_base_ = './afew.py'
image_size = 224
num_frames = 8

train_pipeline = [
    dict(type='ClipInit'),
    dict(type='UniformSample', clip_len=num_frames),
    dict(type='ClipDecode'),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='RandomResizedCrop', area_range=(0.6, 1.0)),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCTHW'),
    _base_.pack,
]
test_pipeline = [
    dict(type='ClipInit'),
    dict(type='UniformSample', clip_len=num_frames, test_mode=True),
    dict(type='ClipDecode'),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='FormatShape', input_format='NCTHW'),
    _base_.pack,
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
