"""The one reader of weight files. The content of a file decides what it is, not its name."""
import errno
import json
import re
import zipfile
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from safetensors import SafetensorError, safe_open

from ..errors import InputError

GIT_LFS = b'version https://git-lfs'


def read_file(path, what='checkpoint', map_location='cpu'):
    """Read a file of weights without executing anything.

    Args:
        path (str | Path): a file of torch.save or safetensors, whatever its name; ``~`` is
            expanded.
        what (str): name of the kind of file in errors. Defaults to ``'checkpoint'``.
        map_location (str | torch.device, optional): see ``torch.load``. Defaults to ``'cpu'``.

    Returns:
        dict: what was saved. For safetensors dict(state_dict) and, if its header has one, the
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
    """Whether a file with these first bytes (bytes) can be one of torch.save or torch.jit."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith('/data.pkl') for name in archive.namelist())
    return not head or head.startswith((b'PK', b'\x80'))  # empty or cut off; a bare pickle


def is_torchscript(path):
    """Whether a file is an archive of torch.jit.save.

    Args:
        path (str | Path): of the file.

    Returns:
        bool: True for such an archive.
    """
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
        if error.errno != errno.EINVAL:  # torch seeks before the beginning of a short file
            raise
        raise _damaged(path, what, 'it ends too early') from error


def _history_buffer_method(owner, name):
    """The only use of ``getattr`` in a checkpoint of mmengine: a method of HistoryBuffer.

    A free ``getattr`` reaches ``eval`` through ``getattr.__self__``, and from there a crafted file
    runs any code in spite of ``weights_only=True``.
    """
    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return getattr(owner, name)
    raise UnpicklingError(f'getattr for {name!r}')


def _safe_globals():
    """Types that mmengine puts into a checkpoint beside tensors: the history of logged numbers."""
    reconstruct, state, _ = np.ones(1).__reduce__()
    scalar = np.float64(1).__reduce__()[0]
    allowed = [HistoryBuffer, (_history_buffer_method, 'builtins.getattr'),
               (np.ndarray, 'numpy.ndarray'), (np.dtype, 'numpy.dtype')]
    # numpy 2 renamed numpy.core. Files written with one numpy are read with the other.
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        allowed += [(reconstruct, f'{module}._reconstruct'), (scalar, f'{module}.scalar')]
    # Numbers and text only: arrays of objects or records have no place in a checkpoint.
    return allowed + [type(np.dtype(code)) for code in '?bBhHiIlLqQefdFDSU']
