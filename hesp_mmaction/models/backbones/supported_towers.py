"""Which of open_clip's image towers ``CLIPImageTower`` computes."""
from open_clip.modified_resnet import ModifiedResNet
from open_clip.transformer import LayerNorm, PatchDropout, ResidualAttentionBlock, VisionTransformer
from torch import nn


def not_computed(visual, frozen=True, dense=False):
    """What an image tower of open_clip has that ``CLIPImageTower`` does not compute.

    Args:
        visual (nn.Module): the tower.
        frozen (bool): True if the tower stays in eval mode. Defaults to True.
        dense (bool): True if the features of places are wanted. Defaults to False.

    Returns:
        str | None: the end of a sentence about the tower; None for CLIP's own ViT and ResNet form.
    """
    if isinstance(visual, ModifiedResNet):
        return None
    if not isinstance(visual, VisionTransformer):
        return "is neither CLIP's ViT nor its ResNet"
    size = visual.image_size
    if not isinstance(size, int) and size[0] != size[1]:
        return f'takes images of {size[0]} x {size[1]} pixels, not squares'
    for block in visual.transformer.resblocks:
        if (type(block) is not ResidualAttentionBlock
                or type(block.attn) is not nn.MultiheadAttention):
            return ('has blocks of another kind (block_type, qk_norm, scaled_cosine_attn, '
                    'scale_heads, scale_attn or scale_fc)')
        if type(block.ln_2) is not LayerNorm:
            return 'has norms of another kind'
    if not visual.transformer.batch_first:
        return 'has tokens before images'
    if visual.pool_type == 'none' or getattr(visual, 'attn_pool_contrastive', None) is not None:
        return "gives tokens instead of one feature (pool_type='none', two attention poolings)"
    if dense and visual.attn_pool is not None:
        return 'pools by attention, so that its places have no features (dense=True)'
    if not frozen and isinstance(visual.patch_dropout, PatchDropout):
        return 'drops patches while it is trained (patch_dropout)'
    return None
