"""Evaluations of next to nothing: every report says what it can, and the rest in a line."""
import json
import sys

import numpy as np
import pytest

from hesp_mmaction.apis.report import summary, table
from hesp_mmaction.apis.task_report import latex_report, markdown_report
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import metrics_from_dump, save_dump
from hesp_mmaction.evaluation.openset_metric import intervals_from_dump

KNOWN = ['anger', 'fear']


def dump_of(emotions, score=None):
    """Raw material of clips of these emotions."""
    rng = np.random.default_rng(len(emotions))
    label = np.array([KNOWN.index(e) if e in KNOWN else -1 for e in emotions])
    pred = rng.integers(0, 2, len(emotions))
    score = rng.normal(size=len(emotions)) if score is None else np.array(score, float)
    return dict(
        label=label, pred=pred, score=score, emotion=np.array(emotions), classes=np.array(KNOWN),
        pred_emotion=np.where(score < 0, 'unknown', np.array(KNOWN)[pred]),
        feature=rng.normal(size=(len(emotions), 6)), threshold=np.array(0.0),
        logits=rng.normal(size=(len(emotions), 2)),
        sample_id=np.array([f'{i:03d}.avi' for i in range(len(emotions))]))


SMALL = {
    'one unknown': dump_of([*KNOWN] * 4 + ['sadness']),
    'one known': dump_of(['fear'] + ['sadness'] * 5),
    'one of each': dump_of(['fear', 'sadness']),
    'equal scores': dump_of([*KNOWN, 'sadness'] * 3, [1.0] * 9),
    'equal scores below the threshold': dump_of([*KNOWN, 'sadness'] * 3, [-1.0] * 9),
}


@pytest.fixture
def tool(tool_module, monkeypatch, capsys):
    """A function (name, arguments) that runs a tool here: what it printed."""
    def call(name, *arguments):
        module = tool_module(f'analysis/{name}.py')
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments)])
        capsys.readouterr()
        module.main()
        return capsys.readouterr().out
    return call


def write(folder, dump):
    save_dump(dump, folder / 'predictions.npz')
    (folder / 'metrics.json').write_text(json.dumps(dict(metrics_from_dump(dump), threshold=None)))
    return folder


@pytest.mark.parametrize('name', [
    'one unknown', *(pytest.param(name, marks=pytest.mark.ci) for name in SMALL
                     if name != 'one unknown')])
def test_every_report_of_a_run_is_made(name, tool, tmp_path):
    dump = SMALL[name]
    folder = write(tmp_path / 'run', dump)
    tool('make_report', folder)
    page = (folder / 'report.html').read_text()
    known, unknown = (dump['label'] >= 0).sum(), (dump['label'] < 0).sum()
    assert ('No intervals: a bootstrap needs two known and two unknown test clips, and here are '
            f'{known} and {unknown}.' in page) == (min(known, unknown) == 1)
    assert ('No picture of the features: t-SNE needs four samples' in page) == (len(dump['label'])
                                                                               < 4)
    assert len(tool('plot_open_set', folder).split()) == 3
    tool('confusion_matrix', folder)
    lines = tool('rescore', folder / 'predictions.npz').splitlines()
    assert any(line.startswith('max_logit') for line in lines)


@pytest.mark.parametrize('name', SMALL)
def test_every_table_of_a_run_is_made(name):
    dump = SMALL[name]
    run = dict(metrics_from_dump(dump), known=KNOWN, protocol='3:4', seconds=1.0, split=0,
               intervals=intervals_from_dump(dump))
    for results in ({'a': [run]}, {'a': [run, run], 'b': [run, run]}):
        for text in (table(results), summary(results),
                     markdown_report(results, 'AFEW', 'drawn'), latex_report(results, 'AFEW', 'x')):
            assert f'{run["AUROC"]:.1f}' in text


def test_runs_without_curves_are_left_out_and_named(tool, tmp_path):
    good = SMALL['one unknown']
    write(tmp_path / 'good', good)
    save_dump(dump_of([*KNOWN] * 3), tmp_path / 'closed/predictions.npz')
    save_dump(dict(good, score=np.where(good['label'] < 0, np.nan, good['score'])),
              tmp_path / 'spoilt/predictions.npz')
    out = tool('plot_open_set', tmp_path / 'good', tmp_path / 'closed', tmp_path / 'spoilt')
    assert 'closed is left out: the test set has no unknown sample' in out
    assert 'spoilt is left out: the scores of 1 of 9 clips (008.avi) are NaN or infinite' in out
    assert (tmp_path / 'good/roc_together.png').exists()
    with pytest.raises(InputError, match='none of these runs has curves'):
        tool('plot_open_set', tmp_path / 'closed', tmp_path / 'spoilt')
    with pytest.raises(InputError, match='no unknown sample'):
        (tmp_path / 'closed/metrics.json').write_text('{}')
        tool('plot_open_set', tmp_path / 'closed')
    with pytest.raises(InputError, match=r'no figures: score is NaN .* of 9 clips \(008.avi\)'):
        tool('plot_open_set', tmp_path / 'spoilt')
    (tmp_path / 'good/metrics.json').unlink(missing_ok=True)
    with pytest.raises(InputError, match='good has no metrics.json'):
        tool('plot_open_set', tmp_path / 'good')
    lines = tool('rescore', tmp_path / 'spoilt/predictions.npz').splitlines()
    assert any('score ' in line and 'NaN or infinite for 1 of 9 clips' in line for line in lines)


def test_features_that_are_not_finite_are_a_sentence_of_the_page(tool, tmp_path):
    dump = dump_of([*KNOWN, 'sadness'] * 3)
    dump['feature'][0, 0] = np.nan
    tool('make_report', write(tmp_path, dump))
    assert 'No picture of the features' in (tmp_path / 'report.html').read_text()
