"""Groups of unknown clips: number, members, order, margins and names."""
import numpy as np
import pytest

from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation.groups import count_groups, find_groups

LEXICON = dict(furious='anger', angry='anger', sad='sadness', bored='bored')


def blobs(sizes, seed=0, noise=0.1):
    """Features around the axes of an 8-dimensional space, of different lengths."""
    rng = np.random.default_rng(seed)
    rows = [np.eye(8)[axis] + noise * rng.standard_normal(8)
            for axis, size in enumerate(sizes) for _ in range(size)]
    return np.array(rows) * rng.uniform(1, 20, (len(rows), 1))


def texts():
    """Texts of LEXICON: `angry` fits axis 0, `sad` axis 1, `bored` axis 2, `furious` none."""
    rows = np.eye(8)[[7, 0, 1, 2]]
    rows[:, 6] = 0.1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize('sizes', [(6, 5), (7, 6, 5), (4, 4, 4, 4)])
def test_count(sizes):
    assert count_groups(blobs(sizes)) == len(sizes)


def test_groups_have_their_clips_the_largest_first():
    groups = find_groups(blobs((5, 9, 6)), texts(), LEXICON)
    assert [sorted(group.clips) for group in groups] == [
        list(range(5, 14)), list(range(14, 20)), list(range(5))]
    assert [group.name for group in groups] == ['sadness', None, 'anger']  # bored is no emotion
    assert groups[2].words[0][0] == 'angry' and groups[0].words[0][0] == 'sad'
    assert all(len(group.words) == 3 for group in groups)  # one word for each name


def test_order_and_margins_by_hand():
    """A clip between two groups is the last and the most doubtful; distances in plain numpy."""
    features = np.concatenate([blobs((6, 6), noise=0.05), [[1, 0.8, 0, 0, 0, 0, 0, 0]]])
    groups = find_groups(features, texts(), LEXICON, 2)
    group = next(group for group in groups if 12 in group.clips)
    other = next(group for group in groups if 12 not in group.clips)
    assert group.clips[-1] == 12 and group.doubtful(1) == [12] and len(group.doubtful(99)) == 7
    unit = features / np.sqrt((features ** 2).sum(1, keepdims=True))
    to = [np.sqrt(((unit - unit[g.clips].mean(0)) ** 2).sum(1)) for g in (group, other)]
    np.testing.assert_allclose(group.margins, (to[1] - to[0])[group.clips], atol=1e-12)
    assert (np.diff(to[0][group.clips]) >= 0).all()


def test_the_mean_of_known_clips_is_taken_off():
    features = blobs((5, 5))
    known = np.ones((4, 8))
    (group, _), shift = find_groups(features, texts(), LEXICON, 2, known), 1 / np.sqrt(8)
    ways = features / np.linalg.norm(features, axis=1, keepdims=True) - shift
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    own = np.linalg.norm(ways[group.clips] - ways[group.clips].mean(0), axis=1)
    assert (np.diff(own) >= 0).all()


def test_labelled_clips_of_known_emotions_draw_theirs_away():
    """Clips 4..8 lie at a known emotion, and so does one that is a little farther out."""
    features = blobs((4, 5, 6))
    known, labels = np.eye(8)[[1, 1, 1, 3, 3, 4, 4]] + 0.01, np.array([0, 0, 0, 1, 1, 2, 2])
    groups = find_groups(features, texts(), LEXICON, 2, known, labels)
    assert [sorted(group.clips) for group in groups] == [list(range(9, 15)), list(range(4))]
    assert count_groups(features, known, labels) == 2
    # margins: to the nearest other centre, known ones included, in plain numpy
    shift = (known / np.linalg.norm(known, axis=1, keepdims=True)).mean(0)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) - shift
            for rows in (features, known)]
    unit, given = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in unit]
    centres = [unit[9:].mean(0), unit[:4].mean(0),
               np.concatenate([unit[4:9], given[:3]]).mean(0), given[3:5].mean(0),
               given[5:].mean(0)]
    to = np.array([np.sqrt(((unit - centre) ** 2).sum(1)) for centre in centres])
    np.testing.assert_allclose(groups[0].margins,
                               (to[1:].min(0) - to[0])[groups[0].clips], atol=1e-9)


def test_one_group():
    group, = find_groups(blobs((5,)), texts(), LEXICON, 1)
    assert (group.margins <= 0).all() and group.doubtful(1)[0] == group.clips[-1]


def test_refusals():
    with pytest.raises(InputError, match='3 unknown clips are too few'):
        find_groups(blobs((3,)), texts(), LEXICON)
    with pytest.raises(InputError, match='5 clips are too few for 6 groups, which need 12'):
        find_groups(blobs((5,)), texts(), LEXICON, 6)
    for k in (0, -1):
        with pytest.raises(InputError, match=f'{k} groups cannot be made'):
            find_groups(blobs((5,)), texts(), LEXICON, k)
    with pytest.raises(InputError, match='3 clips are too few for 1 groups beside 3 known'):
        find_groups(blobs((3,)), texts(), LEXICON, 1, np.eye(8)[:3], np.arange(3))
    with pytest.raises(InputError, match='smallest of 2 groups would have 1 of the 6 clips'):
        find_groups(blobs((5, 1)), texts(), LEXICON, 2)
    far = np.eye(8)[:4]  # every clip for itself, in two pairs at best
    assert count_groups(np.concatenate([far, far])) == 4
