# Table 6 of the paper: the losses, each row adding one. (Which terms the paper's rows hold is our
# reading.) Without L_NE there are no negatives: nothing would train them.
published = ('CE of L_KN 54.99 / 24.40, L_KN 55.60 / 25.01, CE of L_NE 60.03 / 33.66, '
             'L_NE 60.40 / 34.48, all 64.39 / 41.73 (AFEW, mean)')
weights = 'model.cls_head.loss_weights'
rows = [
    dict(name='CE of L_KN', options={'model.negatives': None, weights: dict(contrastive=0.0)}),
    dict(name='L_KN', options={'model.negatives': None}),
    dict(name='L_KN, CE of L_NE', options={weights: dict(alignment=0.0, fused=0.0)}),
    dict(name='L_KN, L_NE', options={weights: dict(fused=0.0)}),
    dict(name='L_KN, L_NE, L_H'),
]
