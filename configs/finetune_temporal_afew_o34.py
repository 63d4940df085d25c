# The same with a transformer over time.
_base_ = './finetune_afew_o34.py'
clip = dict(arch='ViT-B-32', pretrained='openai')
model = dict(
    neck=dict(
        _delete_=True, type='TemporalTransformer', clip=clip, num_frames=_base_.num_frames))
