# HESP on MAFW, three emotions known and eight unknown. `--split 0..4` chooses the published split.
_base_ = './hesp_mafw_o56.py'
protocol = dict(openness='3:8')
known = ['sadness', 'surprise', 'disappointment']

model = dict(known=known)
train_dataloader = dict(dataset=dict(known=known))
val_dataloader = train_dataloader
test_dataloader = train_dataloader
