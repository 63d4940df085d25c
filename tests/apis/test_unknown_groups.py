"""tools/discover.py: groups to a text, an edited text to lists, and what is refused."""
import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from hesp_mmaction.apis.circle import answer, figures, majority, names_right, table
from hesp_mmaction.apis.configs import our_config
from hesp_mmaction.apis.group_files import (
    HELP,
    accepted,
    format_groups,
    read_groups,
)
from hesp_mmaction.apis.group_lists import apply_groups, lists_of
from hesp_mmaction.apis.unknown_groups import config_of, find_run, other_clips, run_clips
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.groups import Group

KNOWN = ('disgust', 'fear', 'happiness')


def group(clips, name='anger', words=(('angry', 0.3), ('sad', 0.2))):
    return Group(np.array(clips), np.linspace(1, 0, len(clips)), list(words), name)


GROUPS = [group([3, 0, 1]), group([4, 2], 'sadness'), group([6, 5], None, [('bored', 0.1)])]
PATHS = [f'clips/{i} of mine.avi' for i in range(7)]


def edit(folder, *changes):
    """groups.txt of GROUPS after replacements."""
    text = format_groups(GROUPS, PATHS).removeprefix(HELP)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / 'groups.txt').write_text(HELP + text, encoding='utf-8')
    return folder / 'groups.txt'


def decided(folder, *changes):
    path = edit(folder, *changes)
    return accepted(read_groups(path, PATHS), KNOWN, path)


def test_as_it_is_written_every_suggestion_is_accepted(tmp_path):
    found = decided(tmp_path)
    assert found == dict(anger=[PATHS[i] for i in (3, 0, 1)], sadness=[PATHS[i] for i in (4, 2)])


def test_rename_merge_drop_and_lines_taken_out(tmp_path):
    found = decided(
        tmp_path, ('accept anger', 'accept Surprised'), ('accept sadness', 'drop'),
        ('group 3: drop', 'Group 3:  MERGE 1'), (f'{PATHS[0]}\n', ''), (PATHS[1], f'# {PATHS[1]}'))
    assert found == dict(surprise=[PATHS[i] for i in (3, 6, 5)])
    found = decided(tmp_path, ('accept anger', 'merge 2'), ('group 3: drop', 'group 3: merge 1'))
    assert found == dict(sadness=[PATHS[i] for i in (3, 0, 1, 4, 2, 6, 5)])  # by way of group 1


def test_any_word_may_be_accepted(tmp_path):
    found = decided(tmp_path, ('accept anger', 'accept Pride'), ('sadness', 'boredom_angry'))
    assert set(found) == {'pride', 'anger_boredom'}


@pytest.mark.parametrize('change', [
    lambda text: '\ufeff' + text.replace('\n', '\r\n'), lambda text: text.replace('\n', '\r'),
    lambda text: text.replace('accept ', 'ACCEPT\t'), lambda text: text.replace(': ', ':\xa0')])
def test_editors_may_change_ends_of_lines_and_spaces(tmp_path, change):
    path = edit(tmp_path)
    path.write_bytes(change(path.read_text()).encode())
    assert len(accepted(read_groups(path, PATHS), KNOWN, path)) == 2


@pytest.mark.parametrize('changes, words', [
    ([('accept sadness', 'accept Angry')], r'groups 1 and 2 are both anger: write "group 2: merge'),
    ([('accept anger', 'accept Happy')], 'happiness is known already'),
    ([('accept anger', 'accept angre')], "line 9: 'angre' is no emotion: did you mean"),
    ([('accept anger', 'accept very proud')], "line 9: 'very proud' cannot name an emotion"),
    ([('accept anger', 'keep it')], "line 9: 'keep it' is not"),
    ([('accept anger', 'accept')], "line 9: 'accept' is not"),
    ([('accept anger', 'drop'), ('accept sadness', 'drop')], 'accepts no group'),
    ([('accept anger', 'merge 3')], 'group 1 joins group 3, which is not accepted'),
    ([('accept anger', 'merge 9')], 'group 1 joins group 9, which is not accepted'),
    ([('accept anger', 'merge 2'), ('accept sadness', 'merge 1')], 'which is not accepted'),
    ([(PATHS[4], PATHS[3])], 'line 17: .*3 of mine.avi stands in line 11, too'),
    ([(f'{PATHS[4]}\n', '')], 'group 2 has 1 clip: an emotion needs two'),
    ([(f'{PATHS[4]}\n{PATHS[2]}\n', '')], 'group 2 has no clips: an emotion needs two'),
    ([('accept anger', 'drop'), ('group 2: ', 'group 2 ')],
     "line 15: 'group 2 accept sadness' is none of the clips that were grouped"),
    ([('accept anger', 'drop'), (PATHS[0], 'clips/9.avi')], "line 12: 'clips/9.avi' is none"),
    ([('group 2:', 'group 1:')], 'group 1 is there already'),
    ([('group 1: accept anger', '')], 'line 11: a clip stands before the first group')])
def test_refusals(tmp_path, changes, words):
    with pytest.raises(InputError, match=re.escape(words) if '(' in words else words) as error:
        decided(tmp_path, *changes)
    assert 'groups.txt' in str(error.value) and '\n' not in str(error.value)


@pytest.fixture(scope='module')
def run(tiny_options, tmp_path_factory, tool_module):
    """A training on three emotions."""
    folder = tmp_path_factory.mktemp('discover') / 'three'
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('sys.argv', [
            'train.py', our_config('hesp_afew_o34.py'), '--work-dir', str(folder), '--known',
            *KNOWN, '--cfg-options', *(f'{k}={v}' for k, v in tiny_options.items())])
        tool_module('train.py').main()
    return find_run(folder)


@pytest.fixture
def discover(tool_module, monkeypatch, capsys):
    def call(*words):
        module = tool_module('discover.py')
        monkeypatch.setattr('sys.argv', ['discover.py', *map(str, words)])
        capsys.readouterr()
        module.main()
        return capsys.readouterr().out
    return call


def rows(path):
    with open(path, newline='', encoding='utf-8') as file:
        return {row['path']: row['label'] for row in csv.DictReader(file)}


@pytest.mark.ci
def test_from_clips_to_a_larger_model(run, tiny_afew, tmp_path, discover, tool_module, monkeypatch):
    """Clips of a text file; the lists have old and new clips; the printed command trains."""
    clips = [f'{tiny_afew}/Train_AFEW/{name}/{i:03d}.avi' for i in range(2)
             for name in ('Angry', 'Sad', 'Neutral', 'Surprise')]
    (tmp_path / 'clips.txt').write_text('\n'.join(clips) + '\n')
    out = tmp_path / 'groups'
    said = discover(run.folder, '--clips', tmp_path / 'clips.txt', '--groups', 1, '--out', out)
    assert f'--apply {out}' in said and 'group 1: ' in said
    page = (out / 'groups.html').read_text()
    assert page.count('<img') == 2 and 'Group 1' in page
    found = read_groups(out / 'groups.txt')[1].clips
    assert set(found) <= set(clips) and len(found) > 1
    text = re.sub(r'(?m)^group 1: .*', 'group 1: accept zest', (out / 'groups.txt').read_text())
    (out / 'groups.txt').write_text(text)
    said = discover('--apply', out, '--cfg-options', 'emotions=pride,awe')
    assert ' emotions=pride,awe lists.train=' in said
    below = {str(Path(path).relative_to(tiny_afew)) for path in found}
    train, test = rows(out / 'train.csv'), rows(out / 'test.csv')
    assert {path for path, label in train.items() if label == 'zest'} == below
    assert sorted(label for label in train.values() if label != 'zest') == sorted(KNOWN * 2)
    assert len(test) == 14 and not set(test) & set(train)
    command = said.split('Learn them with\n')[1].split()
    assert command[:2] == ['python', 'tools/train.py']
    monkeypatch.setattr('sys.argv', command[1:])
    tool_module('train.py').main()
    assert 'no clips of zest' in said and '--no-validate' in command
    found = json.loads((out / 'grown/growth.json').read_text())
    assert found['known'] == [*KNOWN, 'zest'] and 'old_after' not in found
    train = np.load(out / 'grown/train_features.npz')
    assert (train['emotion'] == 'zest').sum() == len(below)


def test_test_clips_that_are_learned_leave_the_test(run, tiny_afew, tmp_path, discover):
    judged = run_clips(run)
    assert len(judged.paths) == 14 and judged.train_labels.tolist() == [0, 0, 1, 1, 2, 2]
    discover(run.folder, '--groups', 1, '--out', tmp_path)
    found = [str(Path(p).relative_to(tiny_afew)) for p in read_groups(tmp_path / 'groups.txt')[1]
             .clips]
    text = re.sub(r'(?m)^group 1: .*', 'group 1: accept sad', (tmp_path / 'groups.txt').read_text())
    (tmp_path / 'groups.txt').write_text(text)
    assert '--no-validate' not in discover('--apply', tmp_path)
    train, test = rows(tmp_path / 'train.csv'), rows(tmp_path / 'test.csv')
    assert set(found) <= set(train) and not set(found) & set(test)
    assert len(test) == 14 - len(found)


def test_a_run_sees_a_clip_as_its_own_test_does(run):
    """Features of a test clip that is handed in as a file are those that the run kept of it."""
    kept = run_clips(run)
    found = other_clips(run, kept.paths[:3])
    assert found.known == list(KNOWN) and found.paths == kept.paths[:3]
    np.testing.assert_allclose(found.features, kept.features[:3], rtol=1e-3, atol=1e-4)


def test_nothing_is_half_written(run, tiny_afew, tmp_path, discover):
    with pytest.raises(InputError, match='has no groups.json'):
        apply_groups(tmp_path)
    clips = f'{tiny_afew}/Train_AFEW/Sad'
    with pytest.raises(InputError, match='2 clips are too few for 5 groups beside 3 known'):
        discover(run.folder, '--clips', clips, '--groups', 5, '--out', tmp_path / 'out')
    with pytest.raises(InputError, match='2 unknown clips are too few'):
        discover(run.folder, '--clips', clips, '--out', tmp_path / 'out')
    with pytest.raises(InputError, match='missing.txt: No such file'):
        discover(run.folder, '--clips', 'missing.txt', '--out', tmp_path / 'out')
    with pytest.raises(InputError, match='0 groups cannot be made'):
        discover(run.folder, '--clips', clips, '--groups', 0, '--out', tmp_path / 'out')
    (tmp_path / 'none.txt').write_text('\n')
    with pytest.raises(InputError, match='none.txt names no clip'):
        discover(run.folder, '--clips', tmp_path / 'none.txt', '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
    own = [str(path) for path in (tiny_afew / 'Train_AFEW/Happy').iterdir()]
    with pytest.raises(InputError, match='2 accepted clips have a known emotion'):
        lists_of(config_of(run), KNOWN, dict(anger=own))
    with pytest.raises(InputError, match='holds 0 configs'):
        find_run(tmp_path)
    with pytest.raises(InputError, match='there is no folder'):
        find_run(tmp_path / 'missing')
    (tmp_path / 'a.py').write_text('')
    with pytest.raises(InputError, match='holds no checkpoint'):
        find_run(tmp_path)


TRUTH = ['anger', 'anger', 'sadness', 'sadness', 'sadness', 'anger', 'anger']


def test_the_answer_in_place_of_a_person(tmp_path):
    path = edit(tmp_path)
    assert [majority(g, TRUTH) for g in GROUPS] == ['anger', 'sadness', 'anger']
    answer(path, GROUPS, TRUTH)
    found = read_groups(path)
    assert [(g.action, g.value) for g in found.values()] == [
        ('accept', 'anger'), ('accept', 'sadness'), ('merge', '1')]
    assert names_right(GROUPS, TRUTH, ('anger', 'sadness')) == dict(named=2, named_closed=1)
    assert names_right(GROUPS[2:], TRUTH[:5] + ['fear'] * 2, ('anger', 'fear'))['named'] == 0


def dump(classes, emotions, preds, scores):
    logits = np.eye(len(classes))[preds]
    label = [classes.index(e) if e in classes else -1 for e in emotions]
    return dict(classes=np.array(classes), emotion=np.array(emotions), pred=np.array(preds),
                score=np.array(scores), label=np.array(label), logits=logits)


def test_figures_and_table_by_hand():
    emotions = ['fear', 'fear', 'joy', 'anger', 'sadness']
    before = dump(['fear', 'joy'], emotions, [0, 1, 1, 0, 0], [5., 4, 3, 6, 1])
    after = dump(['fear', 'joy', 'anger'], emotions, [0, 2, 1, 2, 0], [5., 4, 3, 6, 1])
    found = figures(before, after, ['fear', 'joy'], ['anger'])
    assert found['before']['AUROC'] == 50  # three of six pairs
    assert found['before, without clips of the new emotions']['AUROC'] == 100
    assert found['before']['ACC old'] == found['after']['ACC old'] == pytest.approx(200 / 3)
    assert found['before']['ACC new'] == 0 and found['after']['ACC new'] == 100
    result = dict(figures=found, hidden=['anger', 'sadness'], named=1, named_closed=2,
                  found=dict(anger=dict(clips=4, right=3)))
    other = dict(result, figures={row: {key: value + 2 for key, value in cells.items()}
                                  for row, cells in found.items()})
    said = table([result, other])
    assert '51.0 +- 1.0' in said  # of 50 and 52
    assert '1 of 4 hidden emotions became groups' not in said
    assert '2 of 4 hidden emotions became groups; of their 8 clips 6' in said
    assert 'right for 2 of 4 among all words' in said and 'for 4 of 4 among the emotions' in said
