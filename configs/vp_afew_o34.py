# VP (Bahng et al., 2022): pixels learned around the image, frozen CLIP, fixed texts.
_base_ = './linear_probe_afew_o34.py'
prompt_size = 148  # of 224: a border with its pixels is an eighth of the side wide
model = dict(
    type='HESPRecognizer',
    visual_prompt=dict(type='VisualPrompt', size=prompt_size, mode='add', region='border'),
    cls_head=dict(type='FixedTextHead'))
optim_wrapper = dict(optimizer=dict(lr=0.1))
