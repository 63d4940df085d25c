# Table 5 of the paper: what each module brings. The second row is ours. It adds the temporal
# filter, which HESP has here by default, to the baseline.
published = 'CLIP+ARPL 54.60 / 20.24, + textual 57.70 / 35.31, + visual 64.39 / 41.73 (AFEW, mean)'
points = dict(_delete_=True, type='NegativePoints')
rows = [
    dict(name='CLIP+ARPL', config='clip_arpl_afew_o34.py'),
    dict(name='CLIP+ARPL, temporal filter', config='clip_arpl_afew_o34.py',
         options={'neck': 'TemporalFilter'}),
    dict(name='+ textual prompting', options={'model.visual_prompt': None,
                                              'model.negatives': points}),
    dict(name='+ visual prompting'),
    dict(name='the same, mean over time', options={'neck': 'TemporalMean'}),
]
