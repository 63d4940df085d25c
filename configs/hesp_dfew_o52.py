# HESP on DFEW, five emotions known and two unknown. `--split 0..4` chooses the published split.
_base_ = './hesp_dfew_o34.py'
protocol = dict(openness='5:2')
known = ['anger', 'fear', 'happiness', 'neutral', 'surprise']

model = dict(known=known)
train_dataloader = dict(dataset=dict(known=known))
val_dataloader = train_dataloader
test_dataloader = train_dataloader
