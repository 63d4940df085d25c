# The paper's "Baseline 1 + HESP": distances to the negatives, no margin, on AFEW O(3:4).
_base_ = './hesp_afew_o34.py'
model = dict(cls_head=dict(negative_kind='euclidean', loss_weights=dict(margin=0.0)))
