# The drawn faces of tools/data/make_synthetic.py, in AFEW's layout. They have the size of the small
# CLIP's images, so nothing is resized before the crop.
_base_ = './afew.py'
data_root = 'data/synthetic'
image_size = 96

train_pipeline = [
    dict(type='ClipInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=_base_.num_frames, keep_tail_frames=True),
    dict(type='ClipDecode'),
    dict(type='RandomResizedCrop', area_range=(0.6, 1.0)),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCHW'),
    _base_.pack,
]
test_pipeline = [
    dict(type='ClipInit'),
    dict(type='SampleFrames', clip_len=1, num_clips=_base_.num_frames, test_mode=True),
    dict(type='ClipDecode'),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    _base_.pack,
]
# Decoding takes a tenth of a step here: workers would only compete for the cores.
in_process = dict(num_workers=0, persistent_workers=False)
test_set = dict(dataset=dict(data_root=data_root, pipeline=test_pipeline), **in_process)
train_dataloader = dict(
    batch_size=16, dataset=dict(data_root=data_root, pipeline=train_pipeline), **in_process)
val_dataloader = test_set
test_dataloader = test_set
