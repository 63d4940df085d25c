# Ten epochs of SGD. Each epoch the rate shrinks by a fifth. The decay does not depend on the number
# of epochs (mmengine would end it with them). If a finished run is continued, it therefore equals a
# run that was longer from the start.
optim_wrapper = dict(
    constructor='TrainableOptimWrapperConstructor',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0))
param_scheduler = [dict(type='ExponentialLR', gamma=0.8, end=10**9)]

# The test set is evaluated once, after the last epoch: nothing is chosen on it.
train_cfg = dict(type='ResumableTrainLoop', max_epochs=10, val_interval=10**6)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
