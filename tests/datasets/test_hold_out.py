"""A validation part: of clips by subject, of a file of features by subject or at random."""
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from hesp_mmaction.datasets.feature_file import read_features
from hesp_mmaction.errors import InputError

_spec = importlib.util.spec_from_file_location(
    'hold_out', Path(__file__).parents[2] / 'tools/data/hold_out.py')
tool = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tool)


@pytest.fixture
def root(tmp_path):
    for subject in range(9):
        for emotion in ('Angry', 'Fear'):
            clip = tmp_path / 'data/Train_AFEW' / emotion / f'{subject:03d}{emotion}.avi'
            clip.parent.mkdir(parents=True, exist_ok=True)
            clip.write_bytes(bytes([subject]))
    return tmp_path / 'data'


def clips(folder, part):
    return {path.name: path.read_bytes() for path in (folder / part).glob('*/*')}


def test_every_subject_is_held_out_once_and_never_on_both_sides(root, tmp_path):
    held = []
    for fold in range(3):
        out = tmp_path / f'fold{fold}'
        counts = tool.hold_out(root, out, r'^\d{3}', fold, 3)
        train, val = clips(out, 'Train_AFEW'), clips(out, 'Val_AFEW')
        assert counts == dict(Train_AFEW=len(train), Val_AFEW=len(val)) and len(val) == 6
        assert not {name[:3] for name in train} & {name[:3] for name in val}
        assert train | val == clips(root, 'Train_AFEW')
        held += val
    assert len(held) == len(set(held)) == 18


def test_what_cannot_be_done_is_said(root, tmp_path):
    with pytest.raises(InputError, match='000Angry does not match --subject'):
        tool.hold_out(root, tmp_path / 'x', r'^s\d', 0, 3)
    with pytest.raises(FileNotFoundError, match='AFEW: no folder .*none/Train_AFEW'):
        tool.hold_out(tmp_path / 'none', tmp_path / 'x', '.', 0, 3)
    with pytest.raises(InputError, match='exists already'):
        tool.hold_out(root, root, r'^\d{3}', 0, 3)
    with pytest.raises(InputError, match='--fold 3'):
        tool.hold_out(root, tmp_path / 'x', r'^\d{3}', 3, 3)
    with pytest.raises(InputError, match='3 folds of 1 subjects'):
        tool.hold_out(root, tmp_path / 'x', r'^\d', 0, 3)
    with pytest.raises(InputError, match='--folds 1: it must be 2 or more'):
        tool.hold_out(root, tmp_path / 'x', r'^\d{3}', 0, 1)
    with pytest.raises(InputError, match=r"--subject '\(' is no regular expression"):
        tool.hold_out(root, tmp_path / 'x', '(', 0, 3)
    with pytest.raises(InputError, match='holds clips: give --subject'):
        tool.hold_out(root, tmp_path / 'x', None, 0, 3)
    assert not (tmp_path / 'x').exists()


@pytest.fixture
def written(tmp_path):
    """A function that writes a file of features of 9 subjects and 2 emotions; row r holds r.

    Its test rows hold -1, so that one of them in another file would be seen.
    """
    def write(changes=(), dtype=np.float16):
        rows = np.arange(18)
        names = np.array(['Angry', 'fear'])[rows % 2]
        held = dict(
            train_features=np.tile(rows[:, None, None], (1, 3, 2)).astype(dtype),
            train_emotion=names,
            train_id=np.array([f'Train_AFEW/{name}/{row // 2:03d}{row:06d}.avi'
                               for row, name in zip(rows, names, strict=True)]),
            test_features=np.full((2, 3, 2), -1, dtype), test_emotion=np.array(['anger', 'fear']),
            test_id=np.array(['v1', 'v2'])) | dict(changes)
        path = tmp_path / 'f.npz'
        np.savez(path, **{key: value for key, value in held.items() if value is not None})
        return str(path)
    return write


NO_IDS = dict(train_id=None, test_id=None)


def rows_of(path):
    """Of both parts of a file of ours, the numbers of the rows of the file it was made of."""
    with np.load(path, allow_pickle=False) as file:
        return [file[f'{part}_features'][:, 0, 0].astype(int).tolist()
                for part in ('train', 'test')]


def test_every_subject_of_a_file_is_held_out_once_and_no_test_row_is_used(written, tmp_path):
    held = []
    for fold in range(3):
        out = str(tmp_path / f'fold{fold}.npz')
        counts = tool.hold_out_rows(written(), out, r'/\d{3}', fold, 3)
        train, test = rows_of(out)
        assert counts == dict(train=12, test=6) and [len(train), len(test)] == [12, 6]
        assert sorted(train + test) == list(range(18))  # no -1: no test row
        assert not {row // 2 for row in train} & {row // 2 for row in test}
        held += test
    assert sorted(held) == list(range(18))


@pytest.mark.parametrize('dtype', [np.float16, np.float64])
@pytest.mark.parametrize('flat', [False, True])
def test_a_row_keeps_its_values_its_id_and_its_emotion(written, tmp_path, dtype, flat):
    changes = dict(train_features=np.arange(36, dtype=dtype).reshape(18, 2) / 7,
                   test_features=np.zeros((2, 2), dtype)) if flat else {}
    path, out = written(changes, dtype), str(tmp_path / 'out.npz')
    tool.hold_out_rows(path, out, r'/\d{3}', 1, 3)
    with np.load(path) as old, np.load(out) as new:
        assert sorted(new) == sorted(old)
        number = {name: row for row, name in enumerate(old['train_id'])}
        for part in ('train', 'test'):
            rows = [number[name] for name in new[f'{part}_id']]
            assert rows == sorted(rows) and new[f'{part}_features'].dtype == dtype
            np.testing.assert_array_equal(new[f'{part}_features'], old['train_features'][rows])
            np.testing.assert_array_equal(new[f'{part}_emotion'], old['train_emotion'][rows])
    assert set(read_features(out)['test'].emotions) == {'anger', 'fear'}


def test_clips_and_a_file_of_the_same_names_give_the_same_folds(root, written, tmp_path):
    tool.hold_out(root, tmp_path / 'clips', r'^\d{3}', 2, 3, seed=4)
    tool.hold_out_rows(written(), str(tmp_path / 'out.npz'), r'/\d{3}', 2, 3, seed=4)
    subjects = {int(name[:3]) for name in clips(tmp_path / 'clips', 'Val_AFEW')}
    assert {row // 2 for row in rows_of(tmp_path / 'out.npz')[1]} == subjects


def test_without_ids_rows_are_drawn_of_every_emotion_alike(written, tmp_path):
    path, held = written(NO_IDS | dict(train_emotion=np.array(['Angry'] * 7 + ['anger'] * 2
                                                              + ['fear'] * 9))), []
    for fold in range(3):
        out = str(tmp_path / f'fold{fold}.npz')
        tool.hold_out_rows(path, out, None, fold, 3)
        train, test = rows_of(out)
        assert sorted(train + test) == list(range(18))
        assert sum(row < 9 for row in test) == 3 and len(test) == 6  # two spellings, one emotion
        assert read_features(out)['test'].ids[0] == 'test/000000'
        held += test
    assert sorted(held) == list(range(18)) and held != sorted(held)


@pytest.mark.parametrize('seed', range(5))
def test_the_shares_of_an_emotion_differ_by_one_row_at_most(seed):
    emotions = np.random.default_rng(seed).permutation(['anger'] * 7 + ['fear'] * 12 + ['joy'] * 4)
    folds = np.array(tool.folds_at_random(emotions.tolist(), 3, seed))
    for name in set(emotions):
        counts = np.bincount(folds[emotions == name], minlength=3)
        assert len(counts) == 3 and counts.max() - counts.min() <= 1


def test_the_seed_draws_the_folds(written, tmp_path):
    for name, changes, subject in (('a', {}, r'/\d{3}'), ('b', NO_IDS, None)):
        drawn = []
        for number, seed in enumerate((0, 0, 1)):
            out = str(tmp_path / f'{name}{number}.npz')
            tool.hold_out_rows(written(changes), out, subject, 0, 3, seed)
            drawn.append(rows_of(out))
        assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize('changes, given, message', [
    ({}, dict(subject=None), "f.npz has ids: give --subject PATTERN.*'.\\+' makes"),
    (NO_IDS, {}, 'f.npz has no train_id .*: leave it out'),
    ({}, dict(subject='^x'), 'Train_AFEW/Angry/000000000.avi does not match'),
    ({}, dict(subject='Train'), '3 folds of 1 subjects'),
    (NO_IDS, dict(subject=None, folds=10),
     r'10 training rows of every emotion: anger \(9\), fear \(9\)'),
    ({}, dict(fold=3), '--fold 3: one of 0 .. 2'),
    ({}, dict(out='folder'), 'name that ends in .npz'),
    ({}, dict(out='f.npz'), 'f.npz exists already'),
    (dict(train_emotion=None), {}, 'it lacks train_emotion')])
def test_what_cannot_be_done_with_a_file_is_said(written, tmp_path, changes, given, message):
    path, before = written(changes), sorted(tmp_path.iterdir())
    given = dict(out='out.npz', subject=r'/\d{3}', fold=0, folds=3) | given
    with pytest.raises(InputError, match=message):
        tool.hold_out_rows(path, **given | dict(out=str(tmp_path / given['out'])))
    assert sorted(tmp_path.iterdir()) == before


def test_the_command_says_how_to_use_what_it_made(written, tmp_path, monkeypatch, capsys):
    for name, changes, more in (('a.npz', {}, ['--subject', r'/\d{3}']), ('b.npz', NO_IDS, [])):
        out = str(tmp_path / name)
        monkeypatch.setattr('sys.argv', ['hold_out.py', written(changes), out, *more])
        tool.main()
        said = capsys.readouterr().out
        assert f'12 training rows, 6 held out; use it with --cfg-options features={out}' in said
        assert ('a person may be in both parts' in said) == (not more)
