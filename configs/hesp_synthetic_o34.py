# HESP with the CLIP of this package on its drawn faces (python tools/data/make_synthetic.py).
_base_ = [
    '_base_/datasets/synthetic.py', '_base_/models/hesp.py', '_base_/schedules/hesp.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
clip = dict(arch='small_face_clip', pretrained='embedded')
prompt_size = 24  # a quarter of the image
model = dict(
    known=_base_.known,
    backbone=clip,
    neck=dict(num_frames=_base_.num_frames),
    visual_prompt=dict(size=prompt_size),
    cls_head=dict(clip=clip))
train_cfg = dict(max_epochs=5)
