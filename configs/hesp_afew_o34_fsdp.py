# HESP with mmengine's FlexibleRunner, whose strategies shard a model that is too large for one GPU:
#   bash tools/dist_train.sh configs/hesp_afew_o34_fsdp.py 4
# Nothing of ours is in it. For DeepSpeed: strategy=dict(type="DeepSpeedStrategy", ...).
# Only worth it for towers such as ViT-bigG; CLIP ViT-B/32 fits anywhere.
_base_ = './hesp_afew_o34.py'
runner_type = 'FlexibleRunner'
strategy = dict(
    type='FSDPStrategy',
    model_wrapper=dict(
        use_orig_params=True,  # frozen and trained parameters in one unit
        auto_wrap_policy=dict(
            type='torch.distributed.fsdp.wrap.size_based_auto_wrap_policy', min_num_params=1e7)))
