# RCSSR: auto-encoders of what a class is not. It is cssr_afew_o34.py with `reciprocal=True`.
_base_ = './cssr_afew_o34.py'
model = dict(cls_head=dict(reciprocal=True))
