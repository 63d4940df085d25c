# HESP without one of its parts, for each part: what it brings to the whole.
head = 'model.cls_head.'
weights = head + 'loss_weights'
rows = [
    dict(name='HESP'),
    dict(name='without learned contexts', options={head + 'learn_contexts': False}),
    dict(name='without visual prompt', options={'model.visual_prompt': None}),
    dict(name='without temporal filter', options={'neck': 'TemporalMean'}),
    dict(name='without negatives', options={'model.negatives': None}),
    dict(name='without negative texts', options={weights: dict(alignment=0.0)}),
    dict(name='without contrastive loss', options={weights: dict(contrastive=0.0)}),
    dict(name='without fused loss', options={weights: dict(fused=0.0)}),
    dict(name='without joint score', options={head + 'score_kind': 'centred'}),
    dict(name='texts not held', options={weights: dict(hold=0.0)}),
    dict(name='filter not held', options={'model.neck.hold': 0.0}),
]
