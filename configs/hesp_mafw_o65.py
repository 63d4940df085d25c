# HESP on MAFW, six emotions known and five unknown. `--split 0..4` chooses the published split.
_base_ = './hesp_mafw_o56.py'
protocol = dict(openness='6:5')
known = ['anger', 'disgust', 'fear', 'neutral', 'contempt', 'disappointment']

model = dict(known=known)
train_dataloader = dict(dataset=dict(known=known))
val_dataloader = train_dataloader
test_dataloader = train_dataloader
