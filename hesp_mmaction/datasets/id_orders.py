"""What integer labels mean: published orders, the user's own, and checks of an order.

Published lists disagree, so an order is never assumed. It is given (``id_order``), or the paths
prove it: all clips in a folder ``Angry`` have the same integer, and so on. A given order is
compared with what the list says itself: the emotions that its paths name and the integers that
occur.
"""
import logging

from mmengine.logging import print_log

from ..errors import InputError
from .emotions import BASIC, MAFW, canonical, label_of
from .path_evidence import AGREE, SHARE, clips_that_say, proved_order

_DFER_CLIP = ('happiness', 'sadness', 'neutral', 'anger', 'surprise', 'disgust', 'fear')
# Name of an order: integer to emotion.
ID_ORDERS = dict(
    alphabetical=dict(enumerate(BASIC)),  # of the folders Angry, Disgust, Fear, Happy, ...
    hesp=dict(enumerate(MAFW)),  # MAFW's own order; its first seven are alphabetical
    dfer_clip=dict(enumerate(_DFER_CLIP + MAFW[7:])),
    dfew=dict(enumerate(_DFER_CLIP, 1)),
    raf_db=dict(enumerate(('surprise', 'fear', 'disgust', 'happiness', 'sadness', 'anger',
                           'neutral'), 1)),
    affectnet=dict(enumerate(('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust',
                              'anger', 'contempt'))),
    fer2013=dict(enumerate(('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise',
                            'neutral'))),
    aff_wild2=dict(enumerate(('neutral', 'anger', 'disgust', 'fear', 'happiness', 'sadness',
                              'surprise'))))
OWN_ORDER = "your own names in the order of their integers, from 0 (or 1,NAME,NAME,... from 1)"


def find_order(id_order, where):
    """Find the meaning of every integer.

    Args:
        id_order (str | Sequence): the name of one of ``ID_ORDERS``, or emotion names in the
            order of their integers; as a list or as a string with commas. An integer in front is
            the first label: ``'1,alphabetical'``, ``[1, 'anger', 'fear']``. Without one, labels
            count from 0.
        where (str): name of the list, for messages.

    Returns:
        dict[int, str]: label to canonical emotion.

    Raises:
        InputError: an unknown order or emotion, or an emotion that is named twice.
    """
    parts = id_order.split(',') if isinstance(id_order, str) else list(id_order)
    parts = [str(part).strip() for part in parts]
    first = int(parts.pop(0)) if parts and parts[0].isdecimal() else None
    if len(parts) == 1 and parts[0] in ID_ORDERS:
        order = ID_ORDERS[parts[0]]
        return order if first is None else dict(enumerate(order.values(), first))
    try:
        names = [label_of(part) or canonical(part) for part in parts]
    except InputError as error:
        raise InputError(f'unknown id_order {id_order!r} for {where}; there are '
                         f'{_choices(ID_ORDERS)}, or give {OWN_ORDER}') from error
    if len(names) < 2 or len(set(names)) < len(names):
        raise InputError(f'id_order {id_order!r} for {where} must name two emotions or more, each '
                         'once')
    return dict(enumerate(names, first or 0))


def settle_order(labels, id_order, where):
    """The order of a list: the one that is given, if the list does not contradict it, or the one
    that its paths prove.

    Args:
        labels (list[tuple[str, int]]): path and integer of every clip.
        id_order (str | Sequence | None): as for ``find_order``. None if it is not given.
        where (str): the list, for messages.

    Returns:
        dict[int, str]: label to canonical emotion.

    Raises:
        InputError: no order is given and the paths prove none, or the paths or the integers
            contradict the given one. The message names the order that fits, if there is one.
    """
    ids = sorted({label for _, label in labels})
    known = clips_that_say(labels)
    share = len(known) / max(1, len(labels))
    proved = proved_order(known) if share >= SHARE else {}
    if id_order is None:
        if ids and set(ids) <= set(proved) and share >= AGREE:
            print_log(f'{where}: no id_order is set; the paths prove what its integers mean: '
                      + ', '.join(f'{label} {proved[label]}' for label in ids), 'current')
            return proved
        raise InputError(_not_given(ids, proved, where))
    order = find_order(id_order, where)
    _check_range(ids, order, id_order, where)
    wrong = [(path, label, emotion) for path, label, emotion in known
             if order.get(label) != emotion]
    if not wrong:
        return order
    path, label, emotion = wrong[0]
    said = (f'{len(wrong)} of {len(known)} clips have another emotion in their path than '
            f'id_order={_written(id_order)} gives them (first: {path}, whose {label} would be '
            f'{order.get(label, "nothing")})')
    half = share >= 0.5
    classes = half and any(order.get(label) != name for label, name in proved.items())
    if classes or (2 * len(wrong) > len(known) and (proved or half)):
        fit = _fitting(proved)
        if fit:
            raise InputError(f'{where}: {said}; the paths fit id_order={fit}: set that')
        raise InputError(f'{where}: {said}; no order fits the paths: check the labels, or give '
                         f'{OWN_ORDER}')
    print_log(f'{where}: {said}', 'current', logging.WARNING)
    return order


def _fitting(names):
    """Returns the ``id_order`` that maps these integers to these names as text, or None."""
    if not names:
        return None
    for key, order in ID_ORDERS.items():
        if names.items() <= order.items():
            return key
    for key, order in ID_ORDERS.items():
        for first in (0, 1):
            if names.items() <= dict(enumerate(order.values(), first)).items():
                return f'{first},{key}'
    first = min(names)
    if first in (0, 1) and sorted(names) == list(range(first, first + len(names))):
        return ','.join(['1'] * first + [names[label] for label in sorted(names)])
    return None


def _check_range(ids, order, id_order, where):
    """Integers that count from 1 where the order counts from 0, or the other way round."""
    first, last = min(order), max(order)
    if _begins_elsewhere(ids, order):
        other = ids[0]
        fits = [key for key, named in ID_ORDERS.items() if sorted(named) == ids]
        same = dict(enumerate(list(order.values())[:len(ids)], other))
        fit = _fitting(same) or ','.join(map(str, [other, *same.values()]))
        also = [key for key in fits if key != fit]
        raise InputError(
            f'{where}: its integers are {ids[0]} to {ids[-1]}, all of these and no others, so they '
            f'count from {other}, but id_order={_written(id_order)} counts from {first} to {last}: '
            f'set id_order={fit} if only the beginning differs'
            + (f', or {_choices(also)} if it is one of these' if also else ''))


def _begins_elsewhere(ids, order):
    first = min(order)
    # 1 to 7 and nothing else: seven emotions from 1, and not MAFW's eleven without five of them.
    counts = {len(order)} | ({7} if order.keys() == ID_ORDERS['hesp'].keys() else set())
    return first in (0, 1) and any(ids == list(range(1 - first, 1 - first + n)) for n in counts)


def _not_given(ids, proved, where):
    possible = [key for key, order in ID_ORDERS.items()
                if set(ids) <= set(order) and not _begins_elsewhere(ids, order)]
    fit = _fitting(proved)
    span = f' ({ids[0]} to {ids[-1]})' if ids else ''
    return (f'{where} has integer labels{span}, and published lists disagree on what these mean: '
            f'set id_order to {f"one of {_choices(possible)}, or to " if possible else ""}'
            f'{OWN_ORDER}' + (f'; its paths fit id_order={fit}' if fit else ''))


def _choices(names):
    return ', '.join(f"'{name}'" for name in names)


def _written(id_order):
    """Returns an order as it is written on a command line."""
    return id_order if isinstance(id_order, str) else ','.join(map(str, id_order))
