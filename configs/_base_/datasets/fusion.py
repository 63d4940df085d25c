# AFEW and MAFW together: the basic emotions are known, MAFW's other four are not.
_base_ = './afew.py'
known = ['anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise']
mafw_root = 'data/MAFW'
fold = 1  # of MAFW

data_set = dict(
    _delete_=True, type='FusionDataset', data_root=_base_.data_root, mafw_root=mafw_root, fold=fold,
    faces=_base_.faces, known=known)
train_dataloader = dict(dataset=dict(part='train', pipeline=_base_.train_pipeline, **data_set))
test_dataloader = dict(dataset=dict(part='test', pipeline=_base_.test_pipeline, **data_set))
val_dataloader = test_dataloader
