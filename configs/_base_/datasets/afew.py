# AFEW, open set: `known` decides labels, prompts and heads; every other emotion is unknown.
# If --cfg-options changes a variable, tools/train.py changes every place that uses it. Further
# variables of this and all other data sets: `lists` and `id_order` for list files of your own
# (docs/datasets), `classes='found'` for other emotions than the seven, and `cache`, `num_workers`
# and `device_transforms` for loading (docs/speed.md).
known = ['disgust', 'fear', 'happiness']  # O(3:4), split 0; see hesp_mmaction/datasets/splits.json
data_root = 'data/AFEW'
faces = False  # True: the aligned faces instead of the videos
image_size = 224
num_frames = 8

pack = dict(type='PackActionInputs', meta_keys=('img_shape', 'sample_id', 'emotion'))
# Eight equal segments, a random frame of each (keep_tail_frames: up to the last frame).
train_pipeline = [
    dict(type='ClipInit'),  # a video or a folder of frames
    dict(type='SampleFrames', clip_len=1, num_clips=num_frames, keep_tail_frames=True),
    dict(type='ClipDecode'),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='RandomResizedCrop', area_range=(0.6, 1.0)),  # most of the face stays
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='Flip', flip_ratio=0.5),
    dict(type='FormatShape', input_format='NCHW'),
    pack,
]
# The middle frame of each segment, whole.
test_pipeline = [
    dict(type='ClipInit'),  # a video or a folder of frames
    dict(type='SampleFrames', clip_len=1, num_clips=num_frames, test_mode=True),
    dict(type='ClipDecode'),
    dict(type='Resize', scale=(image_size, image_size), keep_ratio=False),
    dict(type='FormatShape', input_format='NCHW'),
    pack,
]

train_dataloader = dict(
    batch_size=16,  # of one process
    sampler=dict(type='DefaultSampler', shuffle=True, round_up=False),
    batch_sampler=dict(type='EvenBatchSampler'),
    dataset=dict(type='AFEWDataset', data_root=data_root, known=known, part='train', faces=faces,
                 pipeline=train_pipeline))
test_dataloader = dict(
    batch_size=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='AFEWDataset', data_root=data_root, known=known, part='test', faces=faces,
                 pipeline=test_pipeline))
val_dataloader = test_dataloader

test_evaluator = dict(type='OpenSetMetric')
val_evaluator = test_evaluator
