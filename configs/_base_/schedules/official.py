# The released code's optimisation: contexts do not learn, pixels make steps of L2 length 50.
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='NormalisedSGD', lr=0.01, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys={
        'cls_head.prompts.contexts': dict(lr_mult=0.0),
        'visual_prompt.delta': dict(step_length=50.0),
        'negatives.images': dict(step_length=50.0, over_classes=True, then_sgd=True)}))
param_scheduler = [dict(type='MultiStepLR', milestones=[30, 60, 90, 120], gamma=0.1, end=10**9)]
train_cfg = dict(type='ResumableTrainLoop', max_epochs=100, val_interval=10**6)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
