# M3DFEL (CVPR 2023): a 3-D ResNet-18 on four pieces of a clip. An LSTM, attention and a gate
# combine their features. It is trained from random weights. The paper starts from weights of
# Kinetics (give such a file as model.backbone.backbone.pretrained) and has 16 frames of 112 pixels.
_base_ = [
    '_base_/datasets/afew.py', '_base_/schedules/short.py', '_base_/default_runtime.py'
]
protocol = dict(dataset='AFEW', openness='3:4')
model = dict(
    type='PromptedRecognizer',
    known=_base_.known,
    clip_input=True,
    backbone=dict(
        type='Instances',
        num_instances=4,
        backbone=dict(
            type='ResNet3d', depth=18, pretrained=None, pretrained2d=False, conv1_kernel=(3, 7, 7),
            conv1_stride_t=1, pool1_stride_t=1, with_pool1=False, with_pool2=False,
            temporal_strides=(1, 2, 2, 2), inflate=(1, 1, 1, 1), norm_eval=False)),
    neck=dict(type='InstanceAggregation', num_instances=4, in_channels=512),
    cls_head=dict(type='LinearHead', in_channels=1024, label_smoothing=0.1))
optim_wrapper = dict(optimizer=dict(
    _delete_=True, type='AdamW', lr=3e-4, betas=(0.9, 0.999), weight_decay=0.05))
