# HESP on CLIP. A leaf adds what depends on the data: `known` and `num_frames`.
_base_ = './clip.py'
prompt_size = 56  # a quarter of the image

model = dict(
    type='HESPRecognizer',
    visual_prompt=dict(type='VisualPrompt', size=prompt_size, mode='add', region='cam'),
    negatives=dict(type='NegativeVisuals'),
    neck=dict(type='TemporalFilter'),
    cls_head=dict(type='HESPHead', clip=_base_.clip))
