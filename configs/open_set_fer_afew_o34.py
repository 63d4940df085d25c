# Open-set FER (AAAI 2024), TRANSDUCTIVE. Half of the epochs train a classifier, which then names
# the test samples. The other half trains a new one on these names. If a frame is mirrored, its maps
# have to mirror as well.
_base_ = './finetune_afew_o34.py'
model = dict(
    type='FlipConsistencyRecognizer',
    backbone=dict(dense=True),
    cls_head=dict(type='PseudoLabelHead'))
param_scheduler = []  # two trainings in one run: a constant rate
custom_hooks = [*_base_.custom_hooks, dict(type='PseudoLabelHook', share=0.5)]
