# Every switch of HESP's default is turned to its other values, one at a time. Run it on a
# validation part (tools/data/hold_out.py): the defaults were chosen so.
head = 'model.cls_head.'
pixels = 'optim_wrapper.paramwise_cfg.custom_keys'
points = dict(_delete_=True, type='NegativePoints')
rows = [
    dict(name='default'),
    dict(name='mean over time', options={'neck': 'TemporalMean'}),
    dict(name='contexts not learned', options={head + 'learn_contexts': False}),
    dict(name='one context for all classes', options={head + 'class_specific': False}),
    dict(name='4 context tokens', options={head + 'num_contexts': 4}),
    dict(name='no visual prompt', options={'model.visual_prompt': None}),
    dict(name='replace', options={'model.visual_prompt.mode': 'replace'}),
    dict(name='a patch per frame', options={'model.visual_prompt.num_frames': 8}),
    dict(name='one region for all', options={'model.visual_prompt.region': 'dataset'}),
    dict(name='region: centre', options={'model.visual_prompt.region': 'centre'}),
    dict(name='learned points', options={'model.negatives': points}),
    dict(name='learned points without names', options={
        'model.negatives': points, head + 'loss_weights': dict(alignment=0.0)}),
    dict(name='diverse points without names', options={
        'model.negatives': points, head + 'loss_weights': dict(alignment=0.0, diversity=1.0)}),
    dict(name='opposite texts', options={head + 'loss_weights': dict(opposite=1.0)}),
    dict(name='arpl logits, margin', options={
        head + 'negative_kind': 'arpl', head + 'loss_weights': dict(margin=0.1)}),
    dict(name='fusion of probabilities', options={head + 'fusion': 'prob'}),
    dict(name='no L_H', options={head + 'loss_weights': dict(fused=0.0)}),
    dict(name='image to text only', options={head + 'symmetric': False}),
    dict(name='normalised steps, 0.1', options={
        'optim_wrapper.optimizer.type': 'NormalisedSGD',
        pixels: {'visual_prompt.delta': dict(step_length=0.1, scheduled=True)}}),
]
