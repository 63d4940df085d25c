# MAFW's compounds: trained on the basic emotions, the nine compounds of these are unknown.
_base_ = './afew.py'
known = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']
data_root = 'data/MAFW'
fold = 1

data_set = dict(
    _delete_=True, type='MAFWCompoundDataset', data_root=data_root, fold=fold, known=known)
train_dataloader = dict(dataset=dict(part='train', pipeline=_base_.train_pipeline, **data_set))
test_dataloader = dict(dataset=dict(part='test', pipeline=_base_.test_pipeline, **data_set))
val_dataloader = test_dataloader
