"""One HTML page with all figures and tables of an evaluation, readable without a server.

    python tools/analysis/make_report.py WORK_DIR --data-root data/AFEW
    python tools/analysis/make_report.py WORK_DIR --data-root data/AFEW --mafw-root data/MAFW
"""
import argparse
import os
from pathlib import Path

from plot_open_set import read_metrics, read_run

from hesp_mmaction.apis.running import main
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.openset_metric import intervals_from_dump
from hesp_mmaction.visualization import html
from hesp_mmaction.visualization.confusion import draw_confusion
from hesp_mmaction.visualization.embedding import draw_embedding
from hesp_mmaction.visualization.figures import draw_oscr, draw_roc, draw_scores
from hesp_mmaction.visualization.sheet import choose_clips, draw_sheet, middle_frame


def clip_path(sample_id, data_root, mafw_root=None):
    """Where a clip is. Ids of AFEW with MAFW begin with the name of the data set."""
    if mafw_root is None:
        return Path(data_root) / sample_id
    data_set, _, below = sample_id.partition('/')
    return Path(mafw_root if data_set == 'MAFW' else data_root) / below


def report_page(name, dump, metrics, data_root=None, mafw_root=None):
    """The page (str) of an evaluation.

    Args:
        name (str): of the run. dump (dict): raw material. metrics (dict): of ``metrics.json``.
        data_root (str, optional): where the clips are; without it there is no sheet of frames.
        mafw_root (str, optional): where MAFW's are, of a run on AFEW with MAFW.
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
        html.paragraph(intervals(dump)),
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
        parts += [html.heading('Features'), embedding(dump, known)]
    return html.page(f'Open-set evaluation: {name}', parts)


def intervals(dump):
    """The sentence about the intervals of a dump."""
    found = intervals_from_dump(dump)
    if None in found.values():
        return ('No intervals: a bootstrap needs two known and two unknown test clips, and here '
                f'are {(dump["label"] >= 0).sum()} and {(dump["label"] < 0).sum()}.')
    return '95 % intervals by bootstrap over the test clips: ' + ', '.join(
        f'{name} {low:.2f} to {high:.2f}' for name, (low, high) in found.items()) + '.'


def embedding(dump, known):
    """The picture of the features, or the sentence why there is none."""
    try:
        figure = draw_embedding(dump['feature'], dump['emotion'], known)
    except InputError as error:
        return html.paragraph(f'No picture of the features: {error}.')
    return html.picture(figure, 'Features of the test clips in the plane, by t-SNE: distances '
                        'between far groups mean nothing.')


def make_report():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dir', help='folder with predictions.npz and metrics.json')
    parser.add_argument('--data-root', type=os.path.expanduser,
                        help='folder of the clips, to show frames')
    parser.add_argument('--mafw-root', help='folder of MAFW, for a run on AFEW with MAFW')
    parser.add_argument('--out', type=os.path.expanduser,
                        help='the page; default: report.html in the work dir')
    args = parser.parse_args()
    folder = Path(args.work_dir)
    dump = read_run(folder)
    text = report_page(folder.resolve().name, dump, read_metrics(folder), args.data_root,
                       args.mafw_root)
    out = Path(args.out or folder / 'report.html')
    out.write_text(text, encoding='utf-8')
    print(out)


if __name__ == '__main__':
    main(make_report)
