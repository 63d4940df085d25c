"""The runner of splits, tasks and ablations: which runs there are, and what is done with them."""
import argparse
import json
import os
from pathlib import Path

import pytest
from test_tools import ROOT, tool

from hesp_mmaction.apis import runs as runs_module
from hesp_mmaction.apis.ablations import ablation_runs
from hesp_mmaction.apis.report import summary, table
from hesp_mmaction.apis.runs import add_flags, find_methods, list_runs, run_all, write_results
from hesp_mmaction.errors import InputError

HESP, CLOSED, FUSION = (str(ROOT / f'configs/{name}.py') for name in (
    'hesp_afew_o34', 'dfer_clip_mafw_closed', 'hesp_fusion'))


def flags(words=''):
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return parser.parse_args(words.split())


def listed(words='', config=HESP):
    return list_runs(config, 'x', flags(words))


@pytest.fixture
def sets(tmp_path):
    """Two known sets of one's own, of different sizes."""
    file = tmp_path / 'sets.txt'
    file.write_text('Happy sad angry\nfear, disgust\n')
    return file


def test_a_task_has_all_its_runs_each_in_its_own_folder():
    found = listed('--task afew')
    assert len(found) == 4 * 5 == len({run['work_dir'] for run in found})
    assert [run['openness'] for run in found[::5]] == ['5:2', '4:3', '3:4', '2:5']
    assert {run['task'] for run in found} == {'afew'}
    assert [run['openness'] for run in listed('--task fusion')] == ['7:4']
    few = listed('--task mafw --openness 6:5 --splits 1 3')
    assert [(run['openness'], run['split']) for run in few] == [('6:5', 1), ('6:5', 3)]
    assert few[0]['work_dir'] == str(Path('work_dirs/x/o65_split1'))


def test_without_a_task_the_data_are_the_configs_own():
    found = listed()
    assert [run['split'] for run in found] == [0, 1, 2, 3, 4]
    assert not any(key in run for run in found for key in ('task', 'openness', 'known'))
    assert found[2]['work_dir'] == str(Path('work_dirs/x/split2'))
    assert [run['openness'] for run in listed('--openness all --splits 0')] == [
        '5:2', '4:3', '3:4', '2:5']
    assert [run['split'] for run in listed(config=FUSION)] == [0]  # the only one
    assert [run['split'] for run in listed(config=CLOSED)] == [1, 2, 3, 4, 5]  # folds


def test_known_sets_of_ones_own_are_runs_of_their_own(sets):
    found = listed(f'--known-sets {sets}')
    assert [(run['split'], run['known']) for run in found] == [
        (0, ('happiness', 'sadness', 'anger')), (1, ('fear', 'disgust'))]
    assert [run['split'] for run in listed(f'--task mafw --known-sets {sets} --splits 1')] == [1]
    assert found[1]['work_dir'] == str(Path('work_dirs/x/known_split1'))


@pytest.mark.parametrize('words, config, said', [
    ('--task affectnet', HESP, 'no task is named'),
    ('--task afew --openness 6:1', HESP, '--openness 6:1: one of 5:2, 4:3, 3:4, 2:5, or all'),
    ('--openness 6:1', HESP, '--openness 6:1: one of 5:2'),
    ('--splits 5', HESP, '--splits 5: one of 0, 1, 2, 3, 4, or all'),
    ('--splits 0', CLOSED, '--splits 0: one of 1, 2, 3, 4, 5, or all'),
    ('--openness 5:6', CLOSED, 'dfer_clip_mafw_closed.py has no `protocol`'),
    ('--known-sets SETS --openness 3:4', HESP, 'give --known-sets or --openness, not both'),
    ('--known-sets SETS --splits 2', HESP, '--splits 2: one of 0, 1, or all')])
def test_what_does_not_exist_is_said(sets, words, config, said):
    with pytest.raises(InputError) as caught:
        listed(words.replace('SETS', str(sets)), config)
    assert str(caught.value).startswith(said)


def test_older_names_of_flags_are_taken():
    assert flags('--work-dir a --resume').out == flags('--out a').out == 'a'
    assert flags().out == 'work_dirs'
    assert all(run['resume'] for run in listed())
    assert not any(run['resume'] for run in listed('--fresh'))


def test_all_methods_are_those_of_the_index_and_no_name_occurs_twice(tmp_path):
    found = find_methods(['all'])
    assert 'hesp_afew_o34' in found and 'cssr_afew_o34' in found and len(found) > 15
    assert all(Path(path).is_file() for path in found.values())
    assert find_methods([HESP]) == dict(hesp_afew_o34=HESP)
    with pytest.raises(InputError, match='have the same name'):
        find_methods([HESP, str(tmp_path / 'hesp_afew_o34.py')])


@pytest.fixture
def fake(monkeypatch):
    """Runs that only keep their record: the list of those that were made."""
    made = []

    def run_split(**run):
        made.append(run)
        record = Path(run['work_dir'], 'split.json')
        if not record.exists():
            record.parent.mkdir(parents=True)
            record.write_text('{}')
        return run['split']
    monkeypatch.setattr(runs_module, 'check_runs', lambda jobs: None)
    return made, run_split


def test_runs_that_share_a_work_dir_are_made_once(fake, tmp_path, capsys):
    a, b = (dict(work_dir=str(tmp_path / name), split=n) for n, name in enumerate('ab'))
    made, run_one = fake
    assert run_all(dict(one=[a, b], two=[b]), flags(), run_one) == dict(one=[0, 1], two=[1])
    assert made == [a, b] and not capsys.readouterr().out


def test_what_is_taken_over_is_said(fake, tmp_path, capsys):
    runs = dict(x=[dict(work_dir=str(tmp_path / name), split=0) for name in 'abc'])
    (tmp_path / 'a').mkdir()
    (tmp_path / 'a/split.json').write_text('{}')
    os.utime(tmp_path / 'a/split.json', (1, 1))
    run_all(runs, flags(), fake[1])
    assert capsys.readouterr().out.startswith('1 of 3 runs were done by an earlier call')


def test_results_are_kept_and_their_tables_printed(tmp_path, capsys):
    write_results(dict(a=[1]), tmp_path / 'out', 'splits',
                  {'splits.md': '| a |', 'more.md': '| b |\n', 'table.tex': 'tex'})
    assert capsys.readouterr().out == '| a |\n\n| b |\n'
    assert json.loads((tmp_path / 'out/splits.json').read_text()) == dict(a=[1])
    assert [(tmp_path / 'out' / name).read_text() for name in ('more.md', 'table.tex')] == [
        '| b |\n', 'tex\n']


def test_rows_of_an_ablation_are_runs_and_equal_ones_share_a_folder():
    args = flags('--splits 0')
    table5, fig3a = (ablation_runs(name, args) for name in ('table5', 'fig3a'))
    assert list(fig3a) == ['fixed negative texts', 'learned negative texts']
    assert fig3a['learned negative texts'][0]['cfg_options'] == {
        'model.cls_head.learn_negative_text': True}
    folders = [runs[0]['work_dir'] for runs in (*table5.values(), *fig3a.values())]
    # "+ visual prompting" and "fixed negative texts" are both HESP's default
    assert len(set(folders)) == len(folders) - 1
    assert [run['split'] for run in ablation_runs('dfer_clip', flags())['2 blocks']] == [
        1, 2, 3, 4, 5]
    with pytest.raises(InputError, match='fig3a has the rows fixed negative texts, learned'):
        ablation_runs('fig3a', args, rows=['none'])


def test_the_tools_have_the_same_flags():
    shared = {word for action in _actions(add_flags) for word in action.option_strings}
    for name in ('run_splits', 'run_protocol', 'run_ablation'):
        said = tool(f'tools/{name}.py', '--help').stdout
        assert all(word in said for word in shared - {'--work-dir', '--resume'}), name
        assert '--resume' not in said and '--work-dir' not in said


def _actions(add):
    parser = argparse.ArgumentParser()
    add(parser)
    return parser._actions


def test_a_protocol_needs_a_task(tmp_path):
    done = tool('tools/run_protocol.py', HESP, '--out', tmp_path / 'x', check=False)
    assert done.stderr.startswith('error: name a task with --task; tools/run_splits.py runs')


def test_folds_of_a_closed_set_have_a_table_and_a_summary():
    results = dict(ours=[dict(UAR=x, WAR=x + 1, seconds=10, split=fold, known=['a', 'b'])
                         for fold, x in ((1, 40.0), (2, 50.0))])
    rows = [[cell.strip() for cell in line.split('|')[1:-1]]
            for text in (table(results), summary(results)) for line in text.splitlines()]
    assert ['fold', 'ours UAR', 'ours WAR'] in rows and ['2', '50.00', '51.00'] in rows
    assert ['mean', '45.00', '46.00'] in rows
    assert ['ours', '45.0 +- 7.1', '46.0 +- 7.1', '10', '', ''] in rows
