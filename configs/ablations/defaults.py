# The experiments by which the defaults that are not in the paper were chosen. Run them on a
# validation part of features (tools/data/export_features.py, tools/data/hold_out.py;
# docs/choices.md).
head = 'model.cls_head.'
weights = head + 'loss_weights'
rows = [
    dict(name='default'),
    dict(name='own score', options={head + 'score_kind': 'centred'}),
    dict(name='texts not held', options={weights: dict(hold=0.0)}),
    dict(name='texts held four times as much', options={weights: dict(hold=8.0)}),
    dict(name='filter not held', options={'model.neck.hold': 0.0}),
    dict(name='mean over time', options={'neck': 'TemporalMean'}),
    dict(name='features as long as they come', options={head + 'feature_length': None}),
    dict(name='no negatives', options={'model.negatives': None}),
    dict(name='20 epochs', options={'train_cfg.max_epochs': 20}),
]
