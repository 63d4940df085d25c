# ARPL on a frozen CLIP: reciprocal points and a radius are trained. A leaf adds `known`.
clip = dict(arch='ViT-B-32', pretrained='openai')  # 'openai' downloads; or the path of a file

model = dict(
    type='PromptedRecognizer',
    backbone=dict(type='CLIPImageTower', **clip),
    neck=dict(type='TemporalMean'),
    cls_head=dict(type='ARPLHead', clip=clip))
