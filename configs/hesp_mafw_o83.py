# HESP on MAFW, eight emotions known and three unknown. `--split 0..4` chooses the published split.
_base_ = './hesp_mafw_o56.py'
protocol = dict(openness='8:3')
known = [
    'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise', 'anxiety', 'helplessness'
]

model = dict(known=known)
train_dataloader = dict(dataset=dict(known=known))
val_dataloader = train_dataloader
test_dataloader = train_dataloader
