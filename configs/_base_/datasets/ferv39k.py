# FERV39k as a closed set, for UAR and WAR; its authors publish one split, and no open-set one.
_base_ = './afew.py'
known = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']
data_root = 'data/FERV39k'

data_set = dict(
    _delete_=True, type='FERV39kDataset', data_root=data_root, known=known, closed_set=True)
train_dataloader = dict(dataset=dict(part='train', pipeline=_base_.train_pipeline, **data_set))
test_dataloader = dict(dataset=dict(part='test', pipeline=_base_.test_pipeline, **data_set))
val_dataloader = test_dataloader
