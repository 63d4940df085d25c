# HESP on DFEW, two emotions known and five unknown. `--split 0..4` chooses the published split.
_base_ = './hesp_dfew_o34.py'
protocol = dict(openness='2:5')
known = ['disgust', 'surprise']

model = dict(known=known)
train_dataloader = dict(dataset=dict(known=known))
val_dataloader = train_dataloader
test_dataloader = train_dataloader
