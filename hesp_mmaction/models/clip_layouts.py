"""Names of CLIP's weights as other programs save them, brought to those of open_clip."""
import re

import torch

from ..errors import InputError
from .checkpoints import WRAPPERS

# Parts of FaRL's file (CLIP ViT-B/16 trained on faces) that only its masked-image loss needs.
MASKED_IMAGE_PARTS = {'mask_token', 'ln_lm', 'lm_transformer', 'lm_head'}
# Entries of OpenAI's archives and Hugging Face's files that are no weights.
NO_WEIGHTS = {'input_resolution', 'context_length', 'vocab_size', 'attn_mask', 'position_ids'}
# One name of every layout. It tells the layout, and the prefix in front of it.
OPEN_CLIP, CUSTOM_TEXT = 'token_embedding.weight', 'text.token_embedding.weight'
HUGGING_FACE = 'text_model.embeddings.token_embedding.weight'

FACE_TEXT = {
    'text_model.embeddings.token_embedding.weight': 'token_embedding.weight',
    'text_model.embeddings.position_embedding.weight': 'positional_embedding',
    'text_model.final_layer_norm.weight': 'ln_final.weight',
    'text_model.final_layer_norm.bias': 'ln_final.bias',
    'text_projection.weight': 'text_projection',
}
FACE_VISION = {
    'vision_model.embeddings.class_embedding': 'visual.class_embedding',
    'vision_model.embeddings.patch_embedding.weight': 'visual.conv1.weight',
    'vision_model.embeddings.position_embedding.weight': 'visual.positional_embedding',
    'vision_model.pre_layrnorm.weight': 'visual.ln_pre.weight',  # Hugging Face's spelling
    'vision_model.pre_layrnorm.bias': 'visual.ln_pre.bias',
    'vision_model.post_layernorm.weight': 'visual.ln_post.weight',
    'vision_model.post_layernorm.bias': 'visual.ln_post.bias',
    'visual_projection.weight': 'visual.proj',
}
FACE_BLOCK = {'layer_norm1': 'ln_1', 'layer_norm2': 'ln_2', 'self_attn.out_proj': 'attn.out_proj',
              'mlp.fc1': 'mlp.c_fc', 'mlp.fc2': 'mlp.c_proj'}
TOWERS = {'text_model': 'transformer', 'vision_model': 'visual.transformer'}


def open_clip_layout(weights, name):
    """The weights of a CLIP under open_clip's names.

    Prefixes of torch.compile, FSDP, DistributedDataParallel, Lightning and other owners of a CLIP
    are taken off. A text tower under ``text.`` and Hugging Face's CLIPModel are renamed.

    Args:
        weights (dict[str, Tensor]): of one of these.
        name (str): of the file, for errors.

    Returns:
        dict[str, Tensor]: weights that belong to no CLIP keep their names.

    Raises:
        InputError: it holds no text tower of a CLIP, or more than one.
    """
    for part in WRAPPERS:
        weights = {key.replace(part, ''): value for key, value in weights.items()}
    weights = {key: value for key, value in weights.items()
               if not MASKED_IMAGE_PARTS & set(key.split('.'))
               and key.split('.')[-1] not in NO_WEIGHTS}
    for mark in (HUGGING_FACE, CUSTOM_TEXT, OPEN_CLIP):  # each is the end of the previous one
        before = [key.removesuffix(mark) for key in weights
                  if key == mark or key.endswith(f'.{mark}')]
        if before:
            break
    if len(before) != 1:
        what = f'{len(before)} text towers' if before else 'no text tower'
        raise InputError(f'{name} is not the state dict of a CLIP: {what} in it (a weight '
                         f'{OPEN_CLIP!r}), but {", ".join(list(weights)[:3])} and so on')
    weights = {key.removeprefix(before[0]): value for key, value in weights.items()}
    if mark == CUSTOM_TEXT:
        return {key.removeprefix('text.'): value for key, value in weights.items()}
    return from_hugging_face(weights) if mark == HUGGING_FACE else weights


def from_hugging_face(weights):
    """The weights of transformers' CLIPModel under open_clip's names.

    Args:
        weights (dict[str, Tensor]): with query, key and value as three matrices, and projections as
            those of ``nn.Linear``.

    Returns:
        dict[str, Tensor]: weights without a counterpart keep their names.
    """
    found, parts = {}, {}
    for key, value in weights.items():
        block = re.fullmatch(r'(text_model|vision_model)\.encoder\.layers\.(\d+)\.(.+)\.(\w+)', key)
        if key in FACE_TEXT or key in FACE_VISION:
            ours = FACE_TEXT.get(key) or FACE_VISION[key]
            found[ours] = value.T.contiguous() if ours.endswith(('proj', 'projection')) else value
        elif block is None:
            found[key] = value
        else:
            tower, number, layer, kind = block.groups()
            prefix = f'{TOWERS[tower]}.resblocks.{number}'
            if layer in FACE_BLOCK:
                found[f'{prefix}.{FACE_BLOCK[layer]}.{kind}'] = value
            elif re.fullmatch(r'self_attn\.[qkv]_proj', layer):
                parts.setdefault(f'{prefix}.attn.in_proj_{kind}', {})[layer[-6]] = value
            else:
                found[key] = value
    for key, three in parts.items():
        if set(three) == set('qkv'):  # otherwise loading reports the weight as missing
            found[key] = torch.cat([three[letter] for letter in 'qkv'])
    return found
