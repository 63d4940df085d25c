# The paper's "Baseline 2 + HESP": ARPL's logits and margin on the negatives, on AFEW O(3:4).
# It is hesp_afew_o34.py with another `negative_kind` and a margin.
_base_ = './hesp_afew_o34.py'
model = dict(cls_head=dict(negative_kind='arpl', loss_weights=dict(margin=0.1)))
