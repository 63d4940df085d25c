# How much the visual prompt brings at several rates and places, with many clips of many people: the
# study of docs/choices.md. The default moves the patch at a tenth of the rate of the contexts.
config = 'hesp_synthetic_o34.py'
pixels = 'optim_wrapper.paramwise_cfg.custom_keys'
full_rate = {pixels: {'visual_prompt.delta': dict(lr_mult=1.0)}}
rows = [
    dict(name='no prompt', options={'model.visual_prompt': None}),
    dict(name='added, a tenth of the rate (default)'),
    dict(name='added, full rate', options=full_rate),
    dict(name='added, ten times the rate', options={
        pixels: {'visual_prompt.delta': dict(lr_mult=10.0)}}),
    dict(name='replacing, full rate', options={'model.visual_prompt.mode': 'replace', **full_rate}),
    dict(name='added, normalised steps of 0.3', options={
        'optim_wrapper.optimizer.type': 'NormalisedSGD',
        pixels: {'visual_prompt.delta': dict(step_length=0.3, scheduled=True)}}),
    dict(name='random region, full rate', options={
        'model.visual_prompt.region': 'random', **full_rate}),
    dict(name='padding, full rate', options={'model.visual_prompt.region': 'border', **full_rate}),
]
