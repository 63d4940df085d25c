# Fig. 3a of the paper: fixed negative texts ("This video is not X") or learned ones.
published = 'the fixed template wins'
rows = [
    dict(name='fixed negative texts'),
    dict(name='learned negative texts', options={'model.cls_head.learn_negative_text': True}),
]
