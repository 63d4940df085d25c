# GCPL (CVPR 2018): one learned prototype per class on a frozen CLIP.
# It is linear_probe_afew_o34.py with another head.
_base_ = './linear_probe_afew_o34.py'
model = dict(cls_head=dict(type='GCPLHead'))
