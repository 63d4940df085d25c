# HESP on AFEW, four emotions known and three unknown. `--split 0..4` chooses the published split.
_base_ = './hesp_afew_o34.py'
protocol = dict(openness='4:3')
known = ['anger', 'happiness', 'sadness', 'surprise']

model = dict(known=known)
train_dataloader = dict(dataset=dict(known=known))
val_dataloader = train_dataloader
test_dataloader = train_dataloader
