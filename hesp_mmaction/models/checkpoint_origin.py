"""What a checkpoint says of its training, and whether a model agrees.

The entry ``hesp`` of a checkpoint holds the known emotions, the words of own emotions, the pixel
statistics and the fingerprint of CLIP. Older checkpoints lack some of them.
"""
import numpy as np
import torch

from ..datasets.emotions import SHIPPED, in_force
from ..errors import InputError


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
        name (str): its name in errors. Defaults to ``'the checkpoint'``.

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


def check_emotions(known, content, name):
    """Stop if an emotion has another word or description here than in a checkpoint.

    Args:
        known (Sequence[str]): the emotions to compare.
        content (Any): of ``emotions_of``.
        name (str): the checkpoint's name in errors.

    Raises:
        InputError: a word or a description is another one.
    """
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


def clip_of(model):
    """The fingerprint of the CLIP of a recognizer.

    Args:
        model (nn.Module): a recognizer.

    Returns:
        str | None: SHA-256 in hex; None if its backbone is no CLIP.
    """
    backbone = getattr(model, 'backbone', None)
    return backbone.weights_digest() if hasattr(backbone, 'weights_digest') else None


def check_clip(model, theirs, name):
    """Stop if a checkpoint was trained on another CLIP.

    Args:
        model (nn.Module): a recognizer.
        theirs (str | None): of ``clip_of``, as the checkpoint keeps it. None, as in older
            checkpoints, is not compared.
        name (str): the checkpoint's name in errors.

    Raises:
        InputError: it is another CLIP.
    """
    if None not in (theirs, ours := clip_of(model)) and theirs != ours:
        raise InputError(f'{name} was trained on another CLIP than that of the config: name its '
                         'own with --cfg-options clip.arch=... clip.pretrained=...')


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


def check_pixels(model, theirs, name):
    """Stop if a checkpoint was trained with other pixel statistics.

    Args:
        model (nn.Module): a recognizer.
        theirs (dict | None): of ``pixels_of``, as the checkpoint keeps it. None, as in older
            checkpoints, is not compared.
        name (str): the checkpoint's name in errors.

    Raises:
        InputError: they differ.
    """
    ours = pixels_of(model)
    if ours is None or theirs is None:  # earlier checkpoints do not say
        return
    for key in ('mean', 'std'):
        if not np.allclose(ours[key], theirs[key], atol=0.01):
            value = ','.join(f'{v:g}' for v in theirs[key])
            raise InputError(f'{name} was trained with pixels of {key} {value}, and this config '
                             f'has {",".join(f"{v:g}" for v in ours[key])}: name the CLIP it was '
                             f'trained with, or add --cfg-options model.{key}={value}')
