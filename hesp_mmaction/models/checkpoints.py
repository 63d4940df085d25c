"""Checkpoints from file to model: they are read, checked to belong to the model, and loaded.

mmengine (``--resume``, ``load_from``, ``tools/test.py``) reads with ``read_file`` (see
``hesp_mmaction.compat``) and checks with ``check_checkpoint`` (``OpenSetHook``). Code that only
predicts goes through ``hesp_mmaction.apis.trained.load_trained``, which calls the functions below.
"""
import logging

import numpy as np
import torch
from mmengine.logging import print_log
from mmengine.runner.checkpoint import CheckpointLoader

from ..datasets.emotions import SHIPPED, in_force
from ..errors import InputError
from .weight_files import read_file

__all__ = ['check_checkpoint', 'emotions_of', 'known_of', 'load_weights', 'pixels_of', 'plain_keys',
           'read_checkpoint', 'read_file', 'weights_of']

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


def known_of(checkpoint, name='the checkpoint'):
    """The known emotions that a checkpoint was trained on, in label order.

    Args:
        checkpoint (dict): as returned by ``read_file``.
        name (str): its name in errors. Defaults to ``'the checkpoint'``.

    Returns:
        tuple[str] | None: None if it does not say.

    Raises:
        InputError: its ``hesp`` entry was not written by this package.
    """
    if not isinstance(checkpoint, dict) or 'hesp' not in checkpoint:
        return None
    known = checkpoint['hesp'].get('known') if isinstance(checkpoint['hesp'], dict) else None
    if not isinstance(known, (list, tuple)) or not all(isinstance(n, str) for n in known):
        raise InputError(f'{name} has a `hesp` entry without the list of its known emotions: it '
                         'was not written by this package; take the entry out, or use another file')
    return tuple(known)


def emotions_of(checkpoint, name='the checkpoint'):
    """The emotions of its own that a checkpoint was trained with.

    Args:
        checkpoint (dict): as returned by ``read_file``.
        name (str): what errors call it.

    Returns:
        dict: a content, see ``Vocabulary.extended``; empty if it was trained with those that
        ship.

    Raises:
        InputError: the content cannot be used.
    """
    entry = checkpoint.get('hesp') if isinstance(checkpoint, dict) else None
    content = entry.get('emotions') if isinstance(entry, dict) else None
    if content:
        SHIPPED.extended(content, f'{name}: emotions')
    return content or {}


def _check_emotions(known, content, name):
    """Stops where a known emotion has another word or description here than in a checkpoint."""
    theirs = SHIPPED.extended(content).emotions
    for part in dict.fromkeys(part for emotion in known for part in emotion.split('_')):
        ours = in_force().emotions.get(part)
        for key in ('word', 'description'):
            told, here = (getattr(emotion, key, None) for emotion in (theirs.get(part), ours))
            if told not in (None, here):
                raise InputError(
                    f'{name} was trained with the {key} {told!r} for {part}, and here it is '
                    f'{here!r}: use the config in the folder it was trained into, which holds its '
                    'emotions, or the same --cfg-options emotions=FILE.yaml')


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
        _check_emotions(known, emotions_of(checkpoint, name), name)
        _check_pixels(model, checkpoint['hesp'].get('pixels'), name)
    return weights


def pixels_of(model):
    """The pixel statistics of a recognizer.

    Args:
        model (nn.Module): a recognizer.

    Returns:
        dict[str, list[float]] | None: ``mean`` and ``std`` of red, green and blue, 0 to 255; None
        if the recognizer has none.
    """
    if not isinstance(getattr(model, 'mean', None), torch.Tensor):
        return None
    return {key: [round(v, 4) for v in (getattr(model, key).flatten() * 255).tolist()]
            for key in ('mean', 'std')}


def _check_pixels(model, theirs, name):
    ours = pixels_of(model)
    if ours is None or theirs is None:  # earlier checkpoints do not say
        return
    for key in ('mean', 'std'):
        if not np.allclose(ours[key], theirs[key], atol=0.01):
            value = ','.join(f'{v:g}' for v in theirs[key])
            raise InputError(f'{name} was trained with pixels of {key} {value}, and this config '
                             f'has {",".join(f"{v:g}" for v in ours[key])}: name the CLIP it was '
                             f'trained with, or add --cfg-options model.{key}={value}')


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
