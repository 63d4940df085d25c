"""The page of ``tools/analysis/make_report.py``: all figures and tables of one evaluation."""
from pathlib import Path

from ..errors import InputError
from ..evaluation.openset_metric import intervals_from_dump
from . import html
from .confusion import draw_confusion
from .embedding import draw_embedding
from .figures import draw_oscr, draw_roc, draw_scores
from .sheet import choose_clips, draw_sheet, middle_frame


def clip_path(sample_id, data_root, mafw_root=None):
    """Find the file of a clip.

    Args:
        sample_id (str): of a dump. Ids of AFEW with MAFW begin with the name of the data set.
        data_root (str): folder of the clips.
        mafw_root (str, optional): folder of MAFW, of a run on AFEW with MAFW. Defaults to None.

    Returns:
        Path: of the clip.
    """
    if mafw_root is None:
        return Path(data_root) / sample_id
    data_set, _, below = sample_id.partition('/')
    return Path(mafw_root if data_set == 'MAFW' else data_root) / below


def report_page(name, dump, metrics, data_root=None, mafw_root=None):
    """Write one HTML page with all figures and tables of an evaluation.

    Args:
        name (str): of the run.
        dump (dict[str, ndarray]): what ``predictions.npz`` holds.
        metrics (dict): what ``metrics.json`` holds.
        data_root (str, optional): folder of the clips; without it there is no sheet of frames.
            Defaults to None.
        mafw_root (str, optional): folder of MAFW, of a run on AFEW with MAFW. Defaults to None.

    Returns:
        str: the page, which loads nothing.
    """
    known = [str(name) for name in dump['classes']]
    decided = dump.get('pred_emotion')
    seen = [html.paragraph('Transductive: trained on the test clips too, without their labels.')]
    parts = [
        *(seen if metrics.get('transductive') else []),
        html.paragraph(f'Known: {", ".join(known)}. Everything else in the test set is unknown. '
                       'A bigger score is more known; rates are in percent.'),
        html.table(['metric', 'value'], [
            [key, f'{value:.2f}' if isinstance(value, float) else value]
            for key, value in metrics.items() if type(value) in (int, float)]),
        html.paragraph(_intervals(dump)),
        html.heading('Known against unknown'),
        html.picture(draw_scores(dump, metrics.get('threshold')), 'Scores of the test clips.'),
        html.picture(draw_roc({'ROC': dump}), 'ROC curve.'),
        html.picture(draw_oscr({'OSCR': dump}), 'OSCR curve: of the known clips, those accepted '
                     'and classified right.'),
    ]
    if decided is not None:
        parts += [html.heading('Decisions'),
                  html.picture(draw_confusion(dump['emotion'], decided, known),
                               'Rows: true emotions, the unknown ones below the line. Columns: '
                               'decisions at the threshold fitted on known training clips.')]
    if decided is not None and data_root is not None:
        chosen = choose_clips(dump)
        frames = [middle_frame(clip_path(str(dump['sample_id'][i]), data_root, mafw_root))
                  for i in chosen]
        parts.append(html.picture(draw_sheet(dump, frames, chosen),
                                  'Clips drawn at random of every kind of outcome: truth, decision '
                                  'and score; wrong ones in red. Blue frame: known, orange: not.'))
    if 'feature' in dump:
        parts += [html.heading('Features'), _embedding(dump, known)]
    return html.page(f'Open-set evaluation: {name}', parts)


def _intervals(dump):
    """The sentence about the intervals of a dump."""
    found = intervals_from_dump(dump)
    if None in found.values():
        return ('No intervals: a bootstrap needs two known and two unknown test clips, and here '
                f'are {(dump["label"] >= 0).sum()} and {(dump["label"] < 0).sum()}.')
    return '95 % intervals by bootstrap over the test clips: ' + ', '.join(
        f'{name} {low:.2f} to {high:.2f}' for name, (low, high) in found.items()) + '.'


def _embedding(dump, known):
    """The picture of the features, or the sentence why there is none."""
    try:
        figure = draw_embedding(dump['feature'], dump['emotion'], known)
    except InputError as error:
        return html.paragraph(f'No picture of the features: {error}.')
    return html.picture(figure, 'Features of the test clips in the plane, by t-SNE: distances '
                        'between far groups mean nothing.')
