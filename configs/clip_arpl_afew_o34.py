# ARPL on a frozen CLIP (the paper's Baseline 2), on AFEW O(3:4).
_base_ = [
    '_base_/datasets/afew.py', '_base_/models/clip_arpl.py', '_base_/schedules/short.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(known=_base_.known)
