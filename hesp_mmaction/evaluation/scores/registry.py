"""The table of post-hoc scores, and how one is computed from the raw material of a run."""
import inspect

import torch

from ...errors import InputError

SCORES = {}
OF_WORDS = ('word_text', 'pair_text')  # fields that no head returns


def register_score(function):
    """Register a score under the name of its function.

    The names of its parameters without default say what it reads: ``logits``, ``feature`` and so on
    are fields of a head's outputs and of a dump, ``train_feature`` and so on are fields of the
    known training samples (``train_features.npz``).

    Args:
        function (Callable): takes tensors and returns knownness (N,), bigger = more known.

    Returns:
        Callable: the function itself.
    """
    SCORES[function.__name__] = function
    return function


def fields_of(name):
    """Names of the fields that a score reads, training fields with ``train_``.

    Args:
        name (str): one of ``SCORES``.

    Returns:
        list[str]: field names.
    """
    return [key for key, parameter in inspect.signature(SCORES[name]).parameters.items()
            if parameter.default is parameter.empty]


def compute_score(name, outputs, train=None):
    """A registered score of a head's outputs or of a dump.

    Args:
        name (str): one of ``SCORES``.
        outputs (dict): field name to tensor or array (N, ...); ``class_text`` (K, D) is one for
            all samples.
        train (dict, optional): the same of the known training samples.

    Returns:
        Tensor: knownness (N,), in float64.

    Raises:
        InputError: no such score, a field it reads is missing, or one of the training samples is
            not finite.
    """
    if name not in SCORES:
        raise InputError(f'no score is named {name!r}: {", ".join(SCORES)}')
    fields = {}
    for key in fields_of(name):
        source, field, where = outputs, key, 'the dump'
        if key.startswith('train_'):
            source, field, where = train, key.removeprefix('train_'), 'the training features'
        if source is None:
            raise InputError('needs features of the known training samples (train_features.npz)')
        if field == 'score_known':  # a head that has no such score decides by its own
            field = next((other for other in ('score_known', 'score_own') if other in source),
                         'score')
        if field not in source and field in OF_WORDS:
            raise InputError('needs texts of words: give rescore.py --words')
        if field not in source:
            raise InputError(f'{where} has no `{field}`: the head gives none')
        values = torch.as_tensor(source[field])
        if source is train and not torch.isfinite(values).all():
            raise InputError(f'`{field}` of the training features holds values that are not finite')
        fields[key] = values.double() if values.is_floating_point() else values
    return SCORES[name](**fields)


def compute_scores(dump, train=None, names=None):
    """Every registered score that a dump allows.

    Args:
        dump (dict): see ``compute_score``.
        train (dict, optional): see ``compute_score``.
        names (Sequence[str], optional): names of the scores. Defaults to all.

    Returns:
        tuple[dict[str, np.ndarray], dict[str, str]]: the scores (N,) by name, and the reasons why
        the others cannot be computed.
    """
    scores, reasons = {}, {}
    for name in names or SCORES:
        try:
            values = compute_score(name, dump, train)
        except InputError as error:
            reasons[name] = str(error)
            continue
        if torch.isfinite(values).all():
            scores[name] = values.numpy()
        else:
            reasons[name] = f'{int((~torch.isfinite(values)).sum())} values are not finite'
    return scores, reasons
