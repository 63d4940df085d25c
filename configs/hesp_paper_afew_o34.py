# HESP as the paper describes it (docs/hesp.md), on AFEW O(3:4).
_base_ = [
    '_base_/datasets/afew.py', '_base_/models/hesp_paper.py', '_base_/schedules/paper.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(
    known=_base_.known)
train_dataloader = dict(batch_size=64)
