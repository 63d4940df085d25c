# HESP's head on another backbone of MMAction2: a ResNet-50 on single frames (TSN), trained whole. A
# learned projection maps its 2048 features to the width of the text tower. Without CLIP's image
# tower there is no activation map against texts, so the prompt is in the centre.
_base_ = [
    '_base_/datasets/afew.py', '_base_/models/hesp.py', '_base_/schedules/short.py',
    '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
clip = dict(arch='small_face_clip', pretrained='embedded')  # text tower only; or ViT-B-32, openai
model = dict(
    known=_base_.known,
    neck=dict(num_frames=_base_.num_frames),
    backbone=dict(
        _delete_=True, type='ResNet', depth=50, norm_eval=False,
        pretrained=None),  # 'https://download.pytorch.org/models/resnet50-11ad3fa6.pth'
    visual_prompt=dict(image_size=_base_.image_size, region='centre'),
    negatives=dict(image_size=_base_.image_size),
    cls_head=dict(clip=clip, in_channels=2048),
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375))
