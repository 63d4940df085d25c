"""The drawn faces: the same every time, different people per role, readable files."""
import json

import numpy as np
import pytest
from decord import VideoReader

from hesp_mmaction.datasets.emotions import BASIC, COMPOUNDS, MAFW
from hesp_mmaction.datasets.synthetic import layouts
from hesp_mmaction.datasets.synthetic.actions import UNITS, envelope, index, recipe, sample_apex
from hesp_mmaction.datasets.synthetic.captions import caption
from hesp_mmaction.datasets.synthetic.clips import make_clip
from hesp_mmaction.datasets.synthetic.face import draw_face
from hesp_mmaction.datasets.synthetic.pictures import make_picture
from hesp_mmaction.datasets.synthetic.scene import Pose, Scene
from hesp_mmaction.datasets.synthetic.subject import ROLES, make_subject
from hesp_mmaction.errors import InputError


def test_the_same_seed_gives_the_same_frames():
    first, again = (make_clip('fear', 3, 5, seed=1, size=64) for _ in range(2))
    assert len(first) == len(again) and 18 <= len(first) <= 30
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    other = make_clip('fear', 3, 5, seed=2, size=64)
    assert not np.array_equal(first[0], other[0])


def test_roles_share_no_person():
    people = [set(range(first, first + count)) for first, count in ROLES.values()]
    assert sum(map(len, people)) == len(set.union(*people))
    for layout, plan in (('afew', layouts.plan_afew), ('mafw', layouts.plan_mafw)):
        entries = plan(0, layouts.PER_CLASS[layout])
        train = {entry.person for entry in entries if entry.split == 'train'}
        test = {entry.person for entry in entries if entry.split != 'train'}
        assert not train & test and max(train | test) < 1000
        assert max(train | test) < ROLES['pretrain'][0]
    assert make_subject(1) != make_subject(2)


@pytest.mark.parametrize('layout, plan, most', [('afew', layouts.plan_afew, 300),
                                                ('mafw', layouts.plan_mafw, 200)])
def test_the_training_part_may_have_more_people(layout, plan, most, tmp_path):
    def people(entries, split):
        return {entry.person for entry in entries if entry.split == split}

    usual, more = (plan(2, (400, 30), n) for n in (None, most))
    first, count = ROLES[f'{layout}/train']
    assert people(usual, 'train') == set(range(first, first + count))
    assert people(more, 'train') == set(range(first, first + most))
    for split in ('test', 'compound'):
        assert people(more, split) == people(usual, split)
        assert not people(more, split) & people(more, 'train')
    for wrong in (0, most + 1):
        with pytest.raises(InputError, match=f'--people {wrong}: one of 1 .. {most} for {layout}'):
            layouts.write_dataset(layout, tmp_path / 'x', people=wrong)
    assert not (tmp_path / 'x').exists()


@pytest.mark.ci
def test_another_number_of_people_is_another_data_set(tmp_path):
    assert layouts.write_dataset('afew', tmp_path / 'x', per_class=(1, 1), people=3)
    assert len({path.name[:3] for path in (tmp_path / 'x/Train_AFEW').glob('*/*')}) == 3
    assert not layouts.write_dataset('afew', tmp_path / 'x', per_class=(1, 1), people=3)
    with pytest.raises(InputError, match='another synthetic data set'):
        layouts.write_dataset('afew', tmp_path / 'x', per_class=(1, 1))
    assert layouts.write_dataset('afew', tmp_path / 'y', per_class=(1, 1))
    assert not layouts.write_dataset('afew', tmp_path / 'y', per_class=(1, 1),
                                     people=ROLES['afew/train'][1])


def test_recipes_differ_and_compounds_blend():
    means = {name: np.array([recipe(name).get(unit, (0, 0))[1] for unit in UNITS])
             for name in MAFW}
    for a in MAFW:
        for b in MAFW:
            assert a == b or np.abs(means[a] - means[b]).sum() > .3, (a, b)
    for name in COMPOUNDS:
        assert set(recipe(name)) == {u for part in name.split('_') for u in recipe(part)}


def test_contempt_is_one_sided():
    apex = np.mean([np.abs(np.diff(sample_apex('contempt', np.random.default_rng(k)), axis=1))
                    for k in range(30)], 0)[:, 0]
    assert apex[index(14)] > .3 > .1 > apex[index(7)]


def test_an_action_rises():
    course = envelope(24, np.random.default_rng(0))
    assert course.shape == (24,) and course[0] < .3 and course.max() > .95


def test_expression_moves_the_face():
    """Only actions change: at the apex the face is further from rest than a neutral one is."""
    subject = make_subject(7)
    rest = draw_face(subject, np.zeros((len(UNITS), 2)), Pose(), Scene(), 96).astype(float)

    def moved(emotion):
        acts = [sample_apex(emotion, np.random.default_rng(k)) for k in range(30)]
        return np.mean([np.abs(draw_face(subject, act, Pose(), Scene(), 96) - rest).mean()
                        for act in acts])

    neutral = moved('neutral')
    for emotion in ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise'):
        assert moved(emotion) > 1.3 * neutral, emotion


def test_head_pose_moves_the_face():
    subject, rest = make_subject(7), np.zeros((len(UNITS), 2))
    straight = draw_face(subject, rest, Pose(), Scene(), 96)
    for pose in (Pose(yaw=.4), Pose(pitch=.2), Pose(roll=.2), Pose(scale=1.2), Pose(gaze_x=.8)):
        assert (draw_face(subject, rest, pose, Scene(), 96) != straight).any()


def test_captions_name_feelings_seldom_and_wrongly():
    rng = np.random.default_rng(0)
    facts = [make_picture(k, size=32)[1] for k in range(20)]
    texts = [caption(*fact, rng) for _ in range(50) for fact in facts]
    feeling = [t for t in texts if any(word in t for word in ('expression', 'fearful', 'happy'))]
    assert 0 < len(feeling) < .4 * len(texts)
    assert any('skin' in text for text in texts) and any('brows' in text for text in texts)


@pytest.mark.parametrize('layout', ['afew', pytest.param('mafw', marks=pytest.mark.ci)])
def test_layouts_are_complete_and_decodable(layout, tmp_path):
    out = tmp_path / 'set'
    assert layouts.write_dataset(layout, out, per_class=(1, 1))
    videos = sorted(out.glob('Train_AFEW/*/*.avi' if layout == 'afew' else 'data/clips/*.mp4'))
    assert len(videos) == (7 if layout == 'afew' else 2 * len(MAFW) + len(COMPOUNDS))
    for path in videos:
        video = VideoReader(str(path))
        assert 18 <= len(video) <= 30 and video[0].shape == (112, 112, 3)
    if layout == 'afew':
        assert {path.parent.name for path in out.glob('Val_AFEW/*/*.avi')} == set(
            layouts.AFEW_FOLDERS.values())
        assert all(len(p.stem) == 9 and p.stem.isdigit() for p in out.glob('*/*/*.avi'))
        assert set(layouts.AFEW_FOLDERS) == set(BASIC)
    else:
        lists = out / 'Train & Test Set'
        single = (lists / 'single/no_caption/set_1/test.txt').read_text().splitlines()
        compound = (lists / 'compound/no_caption/set_1/test.txt').read_text().splitlines()
        assert {line.split()[1] for line in single} == set(MAFW)
        assert {line.split()[1] for line in compound} == set(COMPOUNDS)
        names = {path.name for path in videos}
        assert all(line.split()[0] in names for line in single + compound)

    # A second run does nothing, an interrupted one is redone, another data set is not touched.
    stamp = videos[0].stat().st_mtime_ns
    assert not layouts.write_dataset(layout, out, per_class=(1, 1))
    assert videos[0].stat().st_mtime_ns == stamp
    with pytest.raises(InputError, match='another synthetic data set'):
        layouts.write_dataset(layout, out, seed=1, per_class=(1, 1))
    content = videos[0].read_bytes()
    videos[0].unlink()
    (out / layouts.MARKER).rename(out / layouts.UNFINISHED)
    assert layouts.write_dataset(layout, out, per_class=(1, 1))
    assert videos[0].read_bytes() == content
    assert json.loads((out / layouts.MARKER).read_text())['clips'] == len(
        (layouts.plan_afew if layout == 'afew' else layouts.plan_mafw)(0, (1, 1)))


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / 'thesis.txt').write_text('mine')
    with pytest.raises(InputError, match='not a folder of this tool'):
        layouts.write_dataset('afew', tmp_path, per_class=(1, 1))
    assert [path.name for path in tmp_path.iterdir()] == ['thesis.txt']
