# DFER-CLIP's tables 1 (blocks of the temporal transformer) and 3 (names or descriptions), on MAFW's
# eleven emotions as a closed set. `--splits` are folds: 1 to 5.
published = 'MAFW, UAR / WAR: mean over time 38.51 / 50.91, one block 39.89 / 52.55'
config = 'dfer_clip_mafw_closed.py'
names = {'model.cls_head.descriptions': False}
rows = [
    dict(name='mean over time', options={'model.neck.depth': 0}),
    dict(name='1 block'),
    dict(name='2 blocks', options={'model.neck.depth': 2}),
    dict(name='3 blocks', options={'model.neck.depth': 3}),
    dict(name='mean over time, names', options={'model.neck.depth': 0, **names}),
    dict(name='1 block, names', options=names),
    dict(name='2 blocks, names', options={'model.neck.depth': 2, **names}),
]
