# ARPL on a frozen CLIP: reciprocal points and a radius are trained. A leaf adds `known`.
_base_ = './clip.py'
model = dict(cls_head=dict(type='ARPLHead', clip=_base_.clip))
