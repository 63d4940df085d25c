# Fig. 3b of the paper: where the visual prompt sits.
published = 'the patch on the expression-sensitive region wins over padding and a random patch'
rows = [
    dict(name='expression-sensitive patch'),
    dict(name='padding', options={'model.visual_prompt.region': 'border'}),
    dict(name='random patch', options={'model.visual_prompt.region': 'random'}),
]
