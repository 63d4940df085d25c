# The paper's optimisation: SGD, the rate falls to a tenth every 30 epochs.
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0))
param_scheduler = [
    dict(type='MultiStepLR', milestones=[30, 60, 90, 120, 150, 180], gamma=0.1, end=10**9)]
train_cfg = dict(type='ResumableTrainLoop', max_epochs=200, val_interval=10**6)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
