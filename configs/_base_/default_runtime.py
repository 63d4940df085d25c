custom_imports = dict(imports=['hesp_mmaction'], allow_failed_imports=False)
default_scope = 'mmaction'

default_hooks = dict(
    runtime_info=dict(type='RuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=20, ignore_last=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=1),
    sampler_seed=dict(type='DistSamplerSeedHook'))
# TF32 for float32 on GPUs; --amp and --compile of the tools switch on the rest.
precision = dict(tf32=True, amp=False, compile=False)
custom_hooks = [
    dict(type='PrecisionHook'),
    dict(type='OpenSetHook'),
    dict(type='FiniteLossHook'),
    dict(type='FeatureLengthHook'),
    dict(type='PreemptionHook'),
    dict(type='RandomStateHook'),
    dict(type='RegionHook'),
    dict(type='FitHook'),
    dict(type='ThresholdHook', tpr=0.95),
    dict(type='ResultsHook'),
    dict(type='CurvesHook'),
    dict(type='SyncStatisticsHook'),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
log_processor = dict(type='LogProcessor', window_size=20, by_epoch=True)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='ActionVisualizer', vis_backends=vis_backends)

randomness = dict(seed=0)
log_level = 'INFO'
load_from = None
resume = False
