"""Whole tasks: which runs there are, where they run, what survives a kill, and the tables."""
import json
import multiprocessing
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from test_tools import CONFIG, ROOT, tool

from hesp_mmaction.apis.guarded import run_guarded
from hesp_mmaction.apis.parallel import OnCards, run_on_cluster, run_side_by_side, visible_cards
from hesp_mmaction.apis.protocol import digest_of
from hesp_mmaction.apis.report import interval, measured, summary, table
from hesp_mmaction.apis.task_report import latex_report, markdown_report
from hesp_mmaction.apis.tasks import find_task, set_task
from hesp_mmaction.errors import InputError


def test_settings_see_what_files_hold_not_only_their_names(options, tmp_path):
    """A file of weights or a list replaced in place is another setting: nothing is taken over."""
    cfg = Config.fromfile(CONFIG)
    weights, lists = tmp_path / 'w.pt', tmp_path / 'train.txt'
    weights.write_bytes(b'one')
    lists.write_text('a.avi Fear')
    cfg.merge_from_dict({'clip.pretrained': str(weights), 'data_root': str(tmp_path), 'lists': dict(
        train='train.txt', test='none.txt')})
    first = digest_of(cfg)
    assert digest_of(cfg) == first
    for path, content in ((weights, b'two'), (lists, b'a.avi Anger')):
        path.write_bytes(content)
        assert digest_of(cfg) != first
        first = digest_of(cfg)
    store = tmp_path / 'store'
    store.mkdir()
    cfg.features = str(store)
    first = digest_of(cfg)
    (store / 'index.json').write_text('{}')
    assert digest_of(cfg) != first


def test_a_method_goes_on_the_data_of_a_task_with_its_own_frames(options):
    cfg = Config.fromfile(ROOT / 'configs/hesp_synthetic_o34.py')
    cfg.num_frames = 4
    set_task(cfg, find_task('afew'))
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        assert loader.dataset.data_root == 'data/AFEW' and loader.dataset.known == cfg.model.known
        pipeline = loader.dataset.pipeline
        assert [t.num_clips for t in pipeline if t.type == 'SampleFrames'] == [4]
        assert {t.scale for t in pipeline if t.type == 'Resize'} == {(96, 96)}
    assert cfg.train_dataloader.batch_size == 16  # the loader itself stays the method's


def test_interval_is_students():
    # t(0.975, 2) = 4.30265 from a printed table
    half = 4.30265 / 3 ** 0.5
    assert interval([1.0, 2.0, 3.0]) == pytest.approx((2 - half, 2 + half), abs=1e-4)


def runs(values, **costs):
    return [dict(protocol=o, AUROC=x, OSCR=x / 2, ACC=x + 1, **costs,
                 intervals=dict(AUROC=[x - 4, x + 3], OSCR=[x / 2 - 2, x / 2 + 1]))
            for o, xs in values.items() for x in xs]


def squeezed(table):
    return re.sub(' +', ' ', table)  # cells are padded to one width


def test_tables_hold_means_deviations_and_published_figures_apart():
    rows = runs({'5:2': [60.0, 70.0, 80.0], '3:4': [50.0, 51.0, 55.0]})
    found = measured(rows, 'AUROC')
    assert found['5:2'][:2] == (70.0, 10.0) and found['mean'][0] == pytest.approx(61.0)
    assert found['mean'][1] == pytest.approx(statistics.stdev([60, 70, 80, 50, 51, 55]))
    text = squeezed(markdown_report(dict(ours=rows), 'afew', 'drawn faces, tiny CLIP'))
    here, published = text.split('Published')
    assert '| ours | 70.00 +- 10.00 [45.16, 94.84] |' in here and 'drawn faces, tiny CLIP' in here
    assert '| CLIP+ARPL + HESP | 65.18 | 62.67 | 64.39 | 29.48 | 44.80 | 41.73 |' in published
    assert '| ours |' not in published and '65.18' not in here
    latex = latex_report(dict(my_method=rows), 'afew', 'R&D')
    assert r'my\_method & $70.00 \pm 10.00$' in latex and r'R\&D' in latex
    said = r'a\b {c} 50% $d$ e~f g^h #1'
    assert (r'a\textbackslash{}b \{c\} 50\% \$d\$ e\textasciitilde{}f g\textasciicircum{}h \#1'
            in latex_report(dict(ours=rows), 'afew', said))
    lines = [line for line in latex.splitlines() if line.count('&') > 2]
    assert {line.count('&') for line in lines if 'multicolumn' not in line} == {6}


def test_costs_stand_beside_the_figures():
    text = squeezed(summary(dict(
        ours=runs({'5:2': [60.0, 70.0]}, seconds=9.6, seconds_per_epoch=1.254, trainable=1234),
        fixed=runs({'5:2': [50.0, 52.0]}, seconds=2))))
    assert '| seconds | seconds per epoch | trainable parameters |' in text
    assert '| ours | 65.0 +- 7.1 | 32.5 +- 3.5 | 66.0 +- 7.1 | | | 10 | 1.25 | 1,234 |' in text
    assert '| 2 | | |' in text.splitlines()[3]


def test_what_was_trained_on_test_samples_is_marked_in_every_table():
    rows = runs({'3:4': [50.0, 60.0]}, seconds=1.0, known=['fear', 'anger'], transductive=True)
    results = dict(ours=runs({'3:4': [50.0, 60.0]}, seconds=1.0, known=['fear', 'anger']), x=rows)
    for text in (markdown_report(results, 'afew', 'd'), latex_report(results, 'afew', 'd'),
                 summary(results), table(results)):
        assert 'x (transductive)' in text and 'ours (transductive)' not in text


def test_a_task_of_one_run_has_one_column_and_the_interval_of_its_samples():
    rows = runs({'7:4': [61.5]})
    text = squeezed(markdown_report(dict(ours=rows), 'fusion', 'x'))
    assert '| method | AUROC mean | OSCR mean |' in text
    assert '| ours | 61.50 [57.50, 64.50] | 30.75 [28.75, 31.75] |' in text
    assert '| CLIP+ARPL + HESP | 68.08 | 43.68 |' in text
    assert 'ours & $61.50$ & $30.75$' in latex_report(dict(ours=rows), 'fusion', 'x')


def test_opennesses_of_different_numbers_of_runs_have_no_common_interval():
    found = measured(runs({'5:2': [60.0, 70.0], '3:4': [50.0]}), 'AUROC')
    assert found['3:4'] == (50.0, None, [46.0, 53.0])
    assert found['mean'][0] == 57.5 and found['mean'][2] is None


def square(x):
    if x == 7:
        raise InputError('seven is refused')
    return x * x


@pytest.mark.ci
def test_side_by_side_keeps_the_order_and_passes_errors_on():
    assert run_side_by_side(square, [dict(x=x) for x in (3, 1, 2)], 2) == [9, 1, 4]
    with pytest.raises(InputError, match='seven'):
        run_side_by_side(square, [dict(x=7), dict(x=1)], 2)


def test_a_cluster_is_reached_through_submitit(tmp_path):
    pytest.importorskip('submitit')
    jobs = [dict(data=[2, 4]), dict(data=[9])]
    assert run_on_cluster(statistics.mean, jobs, str(tmp_path), 'local', timeout_min=2) == [3, 9]


def test_a_failed_run_on_a_cluster_is_told_after_the_others(tmp_path):
    pytest.importorskip('submitit')
    jobs = [dict(data=[]), dict(data=[9])]
    with pytest.raises(InputError, match=r'^1 of 2 runs failed; the first: mean requires at least '
                       r'one data point \(its log: .*\.err\); the others are done'):
        run_on_cluster(statistics.mean, jobs, str(tmp_path), 'local', timeout_min=2)
    assert len(list(tmp_path.glob('*_result.pkl'))) == 2


AT_IMPORT = os.environ.get('CUDA_VISIBLE_DEVICES')  # of a process, before anything runs in it


def card_of_the_process(folder, count):
    """The card that this process started with; waits until ``count`` processes are there."""
    (Path(folder) / str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while len(list(Path(folder).iterdir())) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    return os.getpid(), AT_IMPORT


@pytest.mark.ci
def test_processes_start_with_a_card_each_in_turn(monkeypatch, tmp_path):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '5,GPU-a')
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 2)
    found = run_side_by_side(card_of_the_process, [dict(folder=tmp_path, count=3)] * 3, 3)
    assert len({process for process, _ in found}) == 3
    assert sorted(card for _, card in found) == ['5', '5', 'GPU-a']
    assert os.environ['CUDA_VISIBLE_DEVICES'] == '5,GPU-a'


@pytest.mark.parametrize(('named', 'count', 'cards'), [
    (None, 0, []), (None, 3, ['0', '1', '2']), ('', 0, []), ('-1', 0, []), ('3, 1', 2, ['3', '1']),
    ('GPU-a,GPU-b', 2, ['GPU-a', 'GPU-b']), ('0,-1,1', 1, ['0'])])
def test_the_cards_are_those_that_are_visible(monkeypatch, named, count, cards):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if named is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', named)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    assert visible_cards() == cards


@pytest.mark.parametrize('named', [None, '1'])
def test_without_a_card_the_environment_stays(monkeypatch, named):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if named is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', named)
    seen = []
    monkeypatch.setattr(SpawnProcess, 'start',
                        lambda self: seen.append(os.environ.get('CUDA_VISIBLE_DEVICES')))
    OnCards([]).Process().start()
    OnCards(['7']).Process().start()
    assert seen == [named, '7'] and os.environ.get('CUDA_VISIBLE_DEVICES') == named


def test_one_job_at_a_time_stays_in_this_process():
    assert run_side_by_side(os.getpid, [{}], 1) == [os.getpid()]


def test_guarded_processes_leave_nothing_behind():
    """Neither one that did not end in time nor those of a caller that goes away early."""
    before = set(multiprocessing.active_children())
    found = list(run_guarded(time.sleep, [30, 0], 2, timeout=1))
    assert {item: trouble for item, _, trouble in found} == {30: 'not done after 1 s', 0: None}
    early = run_guarded(time.sleep, [0, 30], 2, timeout=60)
    next(early)
    early.close()
    children = Path(f'/proc/{os.getpid()}/task/{os.getpid()}/children')
    if children.exists():  # a zombie would be among them
        pids = children.read_text().split()
        assert not [pid for pid in pids if '(zombie)' in Path(f'/proc/{pid}/status').read_text()]
    assert set(multiprocessing.active_children()) <= before


@pytest.mark.slow
def test_killed_twice_and_called_again_gives_the_same_table(options, tmp_path):
    flags = ['--task', 'afew', '--openness', '3:4', '--splits', '0', '2', '--cfg-options',
             *(f'{key}={value}' for key, value in (options | {
                 'train_cfg.max_epochs': 4}).items())]
    tool('tools/run_protocol.py', CONFIG, '--out', tmp_path / 'straight', *flags)
    out = tmp_path / 'killed'
    command = [sys.executable, 'tools/run_protocol.py', CONFIG, '--out', out, *flags]
    for run in ('o34_split0', 'o34_split2'):
        process = subprocess.Popen([str(part) for part in command], cwd=ROOT)
        mark = out / Path(CONFIG).stem / run / 'last_checkpoint'
        while not mark.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (mark.parent / 'split.json').exists()  # it was in the middle
    done = tool('tools/run_protocol.py', CONFIG, '--out', out, *flags)
    assert (out / 'table.md').read_text() == (tmp_path / 'straight/table.md').read_text()
    assert (out / 'table.md').read_text().strip() in done.stdout
    a, b = (json.loads((folder / 'results.json').read_text())['results']['hesp_afew_o34']
            for folder in (out, tmp_path / 'straight'))
    no_times = dict(seconds=0, seconds_per_epoch=0)
    for one, other in zip(a, b, strict=True):
        assert {**one, **no_times} == {**other, **no_times}


@pytest.fixture
def sets(tmp_path):
    """Two known sets of one's own, of different sizes."""
    file = tmp_path / 'my sets.txt'
    file.write_text('# the first\nHappy sad angry\n\nfear, disgust  # the second\n')
    return file


@pytest.mark.ci
def test_run_splits_on_known_sets_of_ones_own(options, sets, tmp_path):
    small = options | {'train_cfg.max_epochs': 1}
    words = ['tools/run_splits.py', CONFIG, '--out', tmp_path / 'out', '--known-sets', sets]
    done = tool(*words, *[str(w) for w in ['--cfg-options', *(
        f'{k}={v}' for k, v in small.items())]])
    found = json.loads((tmp_path / 'out/splits.json').read_text())['hesp_afew_o34']
    assert [run['known'] for run in found] == [['happiness', 'sadness', 'anger'],
                                               ['fear', 'disgust']]
    assert [run['protocol'] for run in found] == ['3:4', '2:5']
    assert '| happiness, sadness, anger |' in done.stdout and 'O(2:5) AUROC' in done.stdout
    record = tmp_path / 'out/hesp_afew_o34/known_split1/split.json'
    before = record.stat().st_mtime_ns
    again = tool(*words, '--splits', '1', *[str(w) for w in ['--cfg-options', *(
        f'{k}={v}' for k, v in small.items())]])
    assert record.stat().st_mtime_ns == before
    assert '1 of 1 runs were done by an earlier call and are taken over' in again.stdout


def test_known_sets_are_checked_before_the_first_run(options, sets, tmp_path):
    sets.write_text('happy sad\nhappy contempt\n')  # AFEW has no contempt
    done = tool('tools/run_protocol.py', CONFIG, '--task', 'afew', '--out', tmp_path / 'out',
                '--known-sets', sets, '--cfg-options', *(f'{k}={v}' for k, v in options.items()),
                check=False)
    assert done.returncode == 1 and not (tmp_path / 'out').exists()
    said, = done.stderr.strip().splitlines()
    assert said.startswith("error: known set 1 (happiness, contempt): known class 'contempt' is "
                           'not in the data set')
