# Zero-shot CLIP: nothing is trained. A leaf adds `known`.
_base_ = './clip.py'
model = dict(cls_head=dict(type='CLIPZeroShotHead', clip=_base_.clip))
