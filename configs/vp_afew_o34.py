# VP (Bahng et al., 2022): pixels learned around the image, frozen CLIP, fixed texts.
_base_ = [
    '_base_/datasets/afew.py', '_base_/schedules/short.py', '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
clip = dict(arch='ViT-B-32', pretrained='openai')  # 'openai' downloads; or the path of a file
prompt_size = 224  # a border of an eighth of it
model = dict(
    type='PromptedRecognizer',
    known=_base_.known,
    backbone=dict(type='CLIPImageTower', **clip),
    visual_prompt=dict(
        type='VisualPrompt', image_size=_base_.image_size, size=prompt_size, mode='add',
        region='border'),
    neck=dict(type='TemporalMean'),
    cls_head=dict(type='FixedTextHead', clip=clip))
optim_wrapper = dict(optimizer=dict(lr=0.1))
