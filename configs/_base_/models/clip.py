# A frozen CLIP and the mean over frames. A leaf adds `known` and a head.
clip = dict(arch='ViT-B-32', pretrained='openai')  # 'openai' downloads; or the path of a file

model = dict(
    type='PromptedRecognizer',
    backbone=dict(type='CLIPImageTower', **clip),
    neck=dict(type='TemporalMean'))
