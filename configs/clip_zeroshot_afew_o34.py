# Zero-shot CLIP on AFEW, three emotions known; nothing is trained, tools/test.py runs it.
_base_ = ['_base_/datasets/afew.py', '_base_/models/clip_zeroshot.py', '_base_/default_runtime.py']
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(known=_base_.known)
train_dataloader = None
val_dataloader = None
val_evaluator = None
test_cfg = dict(type='TestLoop')
