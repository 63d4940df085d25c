# DFEW, open set: seven emotions, official lists of one of five folds.
_base_ = './afew.py'
known = ['disgust', 'neutral', 'surprise']
data_root = 'data/DFEW'
fold = 1

data_set = dict(
    _delete_=True, type='DFEWDataset', data_root=data_root, fold=fold, known=known)
train_dataloader = dict(dataset=dict(part='train', pipeline=_base_.train_pipeline, **data_set))
test_dataloader = dict(dataset=dict(part='test', pipeline=_base_.test_pipeline, **data_set))
val_dataloader = test_dataloader
