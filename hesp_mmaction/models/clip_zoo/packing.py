"""The small form of a CLIP's weights: half precision, and only the word embeddings it has seen.

A CLIP vocabulary has 49408 tokens, of which a small CLIP meets a few hundred. Their rows are kept
in ``token_embedding.rows``, their ids in ``token_embedding.ids``; all other rows are zero.
"""
import torch

EMBEDDING = 'token_embedding.'


def pack(state_dict, token_ids):
    """Pack an open_clip state dict for storage.

    Args:
        state_dict (dict[str, Tensor]): of ``open_clip.model.CLIP``.
        token_ids (Iterable[int]): tokens to keep.

    Returns:
        dict[str, Tensor]: floating point tensors in float16, without batch norm's counters, with
        ``token_embedding.ids`` int32 (n,) and ``token_embedding.rows`` float16 (n, width).
    """
    ids = torch.tensor(sorted(set(token_ids)), dtype=torch.int32)
    packed = {key: value.half() if value.is_floating_point() else value
              for key, value in state_dict.items() if not key.endswith('num_batches_tracked')}
    weight = packed.pop(EMBEDDING + 'weight')
    packed |= {EMBEDDING + 'ids': ids, EMBEDDING + 'rows': weight[ids.long()]}
    return {key: value.detach().cpu().contiguous() for key, value in packed.items()}


def unpack(packed, vocab_size):
    """The state dict that ``pack`` was given, in half precision.

    Args:
        packed (dict[str, Tensor]): what ``pack`` returned; left as it is.
        vocab_size (int): number of tokens of the whole vocabulary.

    Returns:
        dict[str, Tensor]: with ``token_embedding.weight`` (vocab_size, width).
    """
    state_dict = dict(packed)
    ids = state_dict.pop(EMBEDDING + 'ids').long()
    rows = state_dict.pop(EMBEDDING + 'rows')
    weight = rows.new_zeros(vocab_size, rows.shape[1])
    weight[ids] = rows
    return state_dict | {EMBEDDING + 'weight': weight}
