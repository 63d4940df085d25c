"""The one reader of weight files, and the one check that a checkpoint belongs to a model.

mmengine (``--resume``, ``load_from``, ``tools/test.py``; see :mod:`hesp_mmaction.compat`), the
inferencer, the export and :mod:`.clip` read files with :func:`read_file`. What a file is decides
its content, not its name.
"""
import errno
import json
import logging
import re
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log
from safetensors import SafetensorError, safe_open

from ..errors import InputError

GIT_LFS = b'version https://git-lfs'
# What torch.compile, FSDP and checkpointing put into the names of weights.
WRAPPERS = ('_orig_mod.', '_fsdp_wrapped_module.', '_checkpoint_wrapped_module.')
# What DistributedDataParallel and Lightning put before them.
PREFIXES = ('module.', 'model.')


# ------------------------------------------------------------------------------------- reading
def read_file(path, what='checkpoint', map_location='cpu'):
    """Read a file of weights without executing anything.

    Args:
        path (str | Path): a file of torch.save or safetensors, whatever its name; ``~`` is
            expanded.
        what (str): what errors call it.
        map_location (str | torch.device, optional): as of :func:`torch.load`.

    Returns:
        dict: what was saved. Of safetensors dict(state_dict) and, where its header has one, the
        ``hesp`` entry that checkpoints of this package hold.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is a folder, empty, cut off, a pointer of git-lfs, a TorchScript archive or
            something else than weights.
        UnpicklingError: it holds more than weights and the history of a training.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise InputError(f'The {what} {path} is a folder; name a file in it.')
    if not path.is_file():
        raise FileNotFoundError(f'The {what} {path} does not exist.')
    with path.open('rb') as file:
        head = file.read(max(len(GIT_LFS), 9))
    if head.startswith(GIT_LFS):
        raise InputError(f'The {what} {path} is only a pointer of git-lfs, not the file itself; '
                         'fetch it: git lfs pull')
    if path.suffix == '.safetensors' and not zipfile.is_zipfile(path) or head[8:9] == b'{':
        return _read_safetensors(path, what, map_location)
    if not _of_torch(path, head):
        raise InputError(f'The {what} {path} is no file of weights: neither safetensors nor of '
                         'torch.save (perhaps a page of a web site that was saved in its place).')
    if is_torchscript(path):
        raise InputError(f'The {what} {path} is a TorchScript archive, which is a program; if you '
                         'trust whoever made it, save its weights: torch.save(torch.jit.load('
                         f'{str(path)!r}).state_dict(), "weights.pt")')
    return _read_torch(path, what, map_location)


def _of_torch(path, head):
    """Whether a file, of which the first bytes are known, can be one of torch.save or torch.jit."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith('/data.pkl') for name in archive.namelist())
    return not head or head.startswith((b'PK', b'\x80'))  # empty or cut off; a bare pickle


def is_torchscript(path):
    """Whether a file is an archive of torch.jit.save."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith('constants.pkl') for name in archive.namelist())
    except zipfile.BadZipFile:
        return False


def _damaged(path, what, error):
    return InputError(f'The {what} {path} is damaged ({error}), perhaps because saving or copying '
                      'it was interrupted; use an earlier one or fetch it again.')


def _read_safetensors(path, what, map_location):
    try:
        with safe_open(path, 'pt') as file:
            weights = {key: file.get_tensor(key) for key in file.keys()}
            header = (file.metadata() or {}).get('hesp')
        hesp = None if header is None else json.loads(header)
    except (SafetensorError, ValueError) as error:
        raise _damaged(path, what, error) from error
    if map_location is not None and not callable(map_location):
        weights = {key: value.to(map_location) for key, value in weights.items()}
    return dict(state_dict=weights) | ({} if hesp is None else dict(hesp=hesp))


def _read_torch(path, what, map_location):
    try:
        with torch.serialization.safe_globals(_safe_globals()):
            return torch.load(path, map_location=map_location, weights_only=True)
    except UnpicklingError as error:
        if 'truncated' in str(error) or 'Ran out of input' in str(error):
            raise _damaged(path, what, 'it ends too early') from error
        found = re.search(r'GLOBAL (\S+)|WeightsUnpickler error:\s*(.+)', str(error))
        reason = found and (found[1] or found[2]) or error
        raise UnpicklingError(
            f'The {what} {path} was refused, because it is not just weights and training '
            f'history (it contains: {reason}); if you trust whoever made it, save its weights '
            f'again: torch.save(torch.load({str(path)!r}, weights_only=False)["state_dict"], '
            '"weights.pth")') from None
    except (RuntimeError, EOFError) as error:
        cut = isinstance(error, EOFError) or any(
            text in str(error) for text in ('PytorchStreamReader', 'unexpected EOF'))
        if not cut:
            raise
        raise _damaged(path, what, 'it ends too early') from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # torch seeks to before the beginning of a short file
            raise
        raise _damaged(path, what, 'it ends too early') from error


def _history_buffer_method(owner, name):
    """The only use of ``getattr`` in a checkpoint of mmengine: a method of HistoryBuffer.

    A free ``getattr`` reaches ``eval`` through ``getattr.__self__``, and from there a crafted
    file runs any code in spite of ``weights_only=True``.
    """
    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return getattr(owner, name)
    raise UnpicklingError(f'getattr for {name!r}')


def _safe_globals():
    """What mmengine puts into a checkpoint beside tensors: the history of logged numbers."""
    reconstruct, state, _ = np.ones(1).__reduce__()
    scalar = np.float64(1).__reduce__()[0]
    allowed = [HistoryBuffer, (_history_buffer_method, 'builtins.getattr'),
               (np.ndarray, 'numpy.ndarray'), (np.dtype, 'numpy.dtype')]
    # numpy 2 renamed numpy.core; files of either numpy are read with either.
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed += [(reconstruct, f'{module}._reconstruct'), (scalar, f'{module}.scalar')]
    # Numbers and text only: arrays of objects or records have no place in a checkpoint.
    return allowed + [type(np.dtype(code)) for code in '?bBhHiIlLqQefdFDSU']


# ------------------------------------------------------------------------------------ checking
def known_of(checkpoint, name='the checkpoint'):
    """The known emotions that a checkpoint was trained on, in label order.

    Args:
        checkpoint (dict): as returned by :func:`read_file`.
        name (str): what errors call it.

    Returns:
        tuple[str] | None: None if it does not say.

    Raises:
        InputError: its ``hesp`` entry is none of this package.
    """
    if not isinstance(checkpoint, dict) or 'hesp' not in checkpoint:
        return None
    known = checkpoint['hesp'].get('known') if isinstance(checkpoint['hesp'], dict) else None
    if not isinstance(known, (list, tuple)) or not all(isinstance(n, str) for n in known):
        raise InputError(f'{name} has a `hesp` entry without the list of its known emotions: it '
                         'was not written by this package; take the entry out, or use another file')
    return tuple(known)


def weights_of(checkpoint, name='the checkpoint'):
    """The state dict in a checkpoint: its ``state_dict`` or a like entry, or all of it.

    Args:
        checkpoint (dict): as returned by :func:`read_file`.
        name (str): what errors call it.

    Returns:
        dict[str, Tensor]

    Raises:
        InputError: there is none.
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
    """Weights under a model's own names, without what wrappers put into or before them.

    Args:
        weights (dict[str, Tensor]): perhaps of a model inside torch.compile, FSDP,
            DistributedDataParallel or Lightning.
        own (Collection[str]): names of the model's weights.

    Returns:
        dict[str, Tensor]
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
        checkpoint (dict): as returned by :func:`read_file`.
        name (str): what errors call it.
        whole (bool): a checkpoint that does not say its known emotions must hold all weights of
            the model too. False for the start of a training on weights of another model.

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
        older = getattr(model.cls_head, 'older_state', dict)()  # older ones lack these
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
        _check_pixels(model, checkpoint['hesp'].get('pixels'), name)
    return weights


def pixels_of(model):
    """The pixel statistics of a recognizer (dict of ``mean`` and ``std``, 0..255), or None."""
    if not isinstance(getattr(model, 'mean', None), torch.Tensor):
        return None
    return {key: [round(v, 4) for v in (getattr(model, key).flatten() * 255).tolist()]
            for key in ('mean', 'std')}


def _check_pixels(model, theirs, name):
    ours = pixels_of(model)
    if ours is None or theirs is None:  # older checkpoints do not say
        return
    for key in ('mean', 'std'):
        if not np.allclose(ours[key], theirs[key], atol=0.01):
            value = ','.join(f'{v:g}' for v in theirs[key])
            raise InputError(f'{name} was trained with pixels of {key} {value}, and this config '
                             f'has {",".join(f"{v:g}" for v in ours[key])}: name the CLIP it was '
                             f'trained with, or add --cfg-options model.{key}={value}')


def load_weights(model, checkpoint, name='the checkpoint'):
    """Load a checkpoint into a model after :func:`check_checkpoint`, which raises its errors.

    Args:
        model (nn.Module): a recognizer with an open-set head; changed in place.
        checkpoint (dict): as returned by :func:`read_file`.
        name (str): what errors call it.
    """
    model.load_state_dict(check_checkpoint(model, checkpoint, name), strict=False)
