"""Checkpoints from file to model: they are read, checked to belong to the model, and loaded.

mmengine (``--resume``, ``load_from``, ``tools/test.py``) reads with ``read_file`` (see
``hesp_mmaction.compat``) and checks with ``check_checkpoint`` (``OpenSetHook``). Code that only
predicts goes through ``hesp_mmaction.apis.trained.load_trained``, which calls the functions below.
"""
import logging

import torch
from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader

from ..errors import InputError
from .checkpoint_origin import check_emotions, check_pixels, emotions_of, known_of
from .weight_files import read_file

__all__ = ['check_checkpoint', 'load_weights', 'plain_keys', 'read_checkpoint', 'read_file',
           'weights_of']

# Parts that torch.compile, FSDP and checkpointing add inside the names of weights.
WRAPPERS = ('_orig_mod.', '_fsdp_wrapped_module.', '_checkpoint_wrapped_module.')
# Prefixes that DistributedDataParallel and Lightning add.
PREFIXES = ('module.', 'model.')


def read_checkpoint(path):
    """Read a checkpoint onto the CPU, from a file or from any address that mmengine reads.

    Args:
        path (str | Path): of a file, which ``read_file`` reads, or an address such as
            ``http://...``, which mmengine reads unchecked.

    Returns:
        dict: see ``read_file``, also for the errors.
    """
    return CheckpointLoader.load_checkpoint(str(path), map_location='cpu')


def weights_of(checkpoint, name='the checkpoint'):
    """The state dict in a checkpoint: its ``state_dict`` or a like entry, or all of it.

    Args:
        checkpoint (dict): as returned by ``read_file``.
        name (str): its name in errors. Defaults to ``'the checkpoint'``.

    Returns:
        dict[str, Tensor]: name of a weight to its value.

    Raises:
        InputError: there is no state dict.
    """
    weights = checkpoint
    if isinstance(checkpoint, dict):
        weights = next((checkpoint[key] for key in ('state_dict', 'model_state_dict', 'model')
                        if isinstance(checkpoint.get(key), dict)), checkpoint)
    if not isinstance(weights, dict) or not weights:
        raise InputError(f'{name} holds no weights (a state dict: names and tensors)')
    other = [str(key) for key, value in weights.items() if not isinstance(value, torch.Tensor)]
    if other:
        raise InputError(f'{name} holds more than weights, such as {other[0]!r}: save a state dict '
                         '(names and tensors), or dict(state_dict=...)')
    return weights


def plain_keys(weights, own):
    """Weights under a model's own names, without the additions of wrappers.

    Args:
        weights (dict[str, Tensor]): perhaps of a model inside torch.compile, FSDP,
            DistributedDataParallel or Lightning.
        own (Collection[str]): names of the model's weights.

    Returns:
        dict[str, Tensor]: the same weights under their plain names.
    """
    return {_plain_key(key, own): value for key, value in weights.items()}


def _plain_key(key, own):
    for part in WRAPPERS if key not in own else ():
        key = key.replace(part, '')
    for prefix in PREFIXES:
        if key not in own and (prefix == 'module.' or key.removeprefix(prefix) in own):
            key = key.removeprefix(prefix)
    return key


def check_checkpoint(model, checkpoint, name='the checkpoint', whole=True):
    """Check that a checkpoint belongs to a model: names, their order, shapes, nothing missing.

    Args:
        model (nn.Module): a recognizer with an open-set head.
        checkpoint (dict): as returned by ``read_file``.
        name (str): its name in errors. Defaults to ``'the checkpoint'``.
        whole (bool): a checkpoint that does not say its known emotions must hold all weights of the
            model too. False for the start of a training from weights of another model. Defaults to
            True.

    Returns:
        dict[str, Tensor]: its weights, under the model's names.

    Raises:
        InputError: it is of other emotions, another architecture or other pixel statistics.
    """
    theirs, known = known_of(checkpoint, name), model.cls_head.known
    if theirs is not None and theirs != known:
        raise InputError(
            f'{name} knows {", ".join(theirs)} but the config '
            f'{", ".join(known)}: run with --known {" ".join(theirs)}')
    own = model.state_dict()
    weights = plain_keys(weights_of(checkpoint, name), own)
    wrong = [f'{key} is {tuple(weights[key].shape)} there and {tuple(own[key].shape)} here'
             for key in own if key in weights and weights[key].shape != own[key].shape]
    if not set(own) & set(weights):
        wrong.append('no parameter in common')
    elif whole or theirs is not None:
        older = getattr(model.cls_head, 'older_state', dict)()  # earlier checkpoints lack these
        wrong += [f'{key} is missing there' for key in own if key not in weights
                  and key.removeprefix('cls_head.') not in older
                  and not key.endswith('num_batches_tracked')]
        wrong += [f'{key} is not in the model' for key in weights if key not in own]
    if wrong:
        raise InputError(f'{name} does not fit the config ({len(wrong)} differences, '
                         f'first: {wrong[0]}): use the config it was trained with')
    if theirs is None:
        print_log(f'{name} does not say which emotions it knows. They are taken to be '
                  f'{", ".join(known)}, in this order, as in the config; was it trained on others, '
                  'every label is wrong: give them with --known', 'current', logging.WARNING)
    else:
        check_emotions(known, emotions_of(checkpoint, name), name)
        check_pixels(model, checkpoint['hesp'].get('pixels'), name)
    return weights


def load_weights(model, checkpoint, name='the checkpoint'):
    """Load a checkpoint into a model after ``check_checkpoint``.

    Args:
        model (nn.Module): a recognizer with an open-set head; changed in place.
        checkpoint (dict): as returned by ``read_file``.
        name (str): its name in errors. Defaults to ``'the checkpoint'``.

    Raises:
        InputError: see ``check_checkpoint``.
    """
    model.load_state_dict(check_checkpoint(model, checkpoint, name), strict=False)
