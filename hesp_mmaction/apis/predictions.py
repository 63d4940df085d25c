"""Results of ``HESPInferencer``: their keys, and the files they are written to.

The result of a window is a dict with these keys:

* ``file``: the clip. ``start`` and ``end``: the window, in seconds.
* ``emotion``: a known name or ``'unknown'``. ``best_known``: the most likely known emotion.
* ``score``: bigger is more known. ``threshold``: None if the model has none.
* ``probabilities``: of the known emotions, as in the dump of a test and in an exported model.
* ``calibrated``: the same at the temperature of ``fit_temperature``, or None.
* ``region``: [top, left, size] of the visual prompt, in pixels of the square image that the model
sees. None for a border, and without visual prompt.
* ``face``: [x, y, width, height] in pixels of the frame, or None if no face was looked for.

A clip that cannot be used has ``error``, a text, in place of a result. So has a window in which no
face is found, and one for which the model computes values that are not finite.
"""
import csv
import math
from pathlib import Path

from ..files import whole, write_json

NOT_FINITE = 'the model gives NaN or infinite values'


def result_of(head, place, sample):
    """Make the result of a window.

    Args:
        head (OpenSetHead): the head of the model.
        place (dict): ``file``, ``start`` and ``end`` in seconds, and ``face`` if one was looked
            for.
        sample (ActionDataSample): the prediction of the model.

    Returns:
        dict: the keys are listed at the top of this module.
    """
    if not (sample.pred_knownness.isfinite().all() and sample.pred_score.isfinite().all()):
        return dict(place, error=NOT_FINITE)
    threshold, region = float(sample.threshold), sample.get('region')
    calibrated = head.calibrated(sample.logits.to(head.temperature.device))

    def named(values):
        return dict(zip(head.known, values.tolist(), strict=True))

    return dict(
        file=place['file'], start=place['start'], end=place['end'],
        emotion=sample.pred_emotion, best_known=head.known[int(sample.pred_label)],
        score=float(sample.pred_knownness),
        threshold=None if math.isnan(threshold) else threshold,
        probabilities=named(sample.pred_score),
        calibrated=None if calibrated is None else named(calibrated),
        region=None if region is None else list(region),
        image_size=int(sample.img_shape[0]), face=place.get('face'))


def write_results(predictions, json_path=None, csv_path=None):
    """Write results of ``HESPInferencer`` to files.

    Args:
        predictions (list[dict]): the results.
        json_path (str | Path, optional): a JSON file with the list. Numbers that are NaN or
            infinite become null. Defaults to None: not written.
        csv_path (str | Path, optional): a CSV table. ``p_x`` is the probability of emotion x,
            ``calibrated_x`` the calibrated one, if the results have any. Defaults to None: not
            written.
    """
    if json_path is not None:
        write_json(predictions, json_path)
    if csv_path is not None:
        names = list(dict.fromkeys(
            name for row in predictions for name in row.get('probabilities', {})))
        columns = ['file', 'start', 'end', 'emotion', 'best_known', 'score', 'threshold',
                   *(f'p_{name}' for name in names)]
        if any(row.get('calibrated') for row in predictions):
            columns += [f'calibrated_{name}' for name in names]
        columns.append('error')
        with whole(csv_path) as file:
            writer = csv.DictWriter(file, columns, extrasaction='ignore', lineterminator='\n')
            writer.writeheader()
            for row in predictions:
                values = {f'{kind}_{name}': p for kind, key in (
                    ('p', 'probabilities'), ('calibrated', 'calibrated'))
                    for name, p in (row.get(key) or {}).items()}
                writer.writerow(row | values)


def free_name(path, names):
    """Find a name that no other clip has: clip, clip-2, clip-3.

    Args:
        path (str): the path of the clip.
        names (set[str]): the names in use. The new one is added.

    Returns:
        str: the name.
    """
    stem = name = Path(path).stem.replace(' ', '_')
    number = 1
    while name in names:
        number += 1
        name = f'{stem}-{number}'
    names.add(name)
    return name
