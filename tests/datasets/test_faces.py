"""Faces: the crop is where the eyes are, the track is steady, an interrupted run goes on."""
import csv
import sys

import cv2
import numpy as np
import pytest

from hesp_mmaction.datasets import faces
from hesp_mmaction.datasets.face_tracks import main_track, overlaps, smooth
from hesp_mmaction.datasets.faces import TARGETS, similarity
from hesp_mmaction.datasets.synthetic.clips import make_clip
from hesp_mmaction.errors import InputError

EYES = np.array([[204.2, 101.4], [247.0, 103.0]])  # pupils of the photograph, read off by eye


@pytest.fixture(scope='module')
def prepare(tool_module):
    return tool_module('data/prepare_faces.py')


def moved(photo, count=10):
    """Frames 360 x 400 of the photograph, scaled, turned and shifted, and the matrix of each."""
    matrices = []
    for i in range(count):
        matrix = cv2.getRotationMatrix2D((225, 120), 6 - 1.2 * i, 1 + 0.06 * i)
        matrix[:, 2] += [-40 + 4 * i, 60 - 2 * i]
        matrices.append(matrix)
    return [cv2.warpAffine(photo, m, (400, 360)) for m in matrices], matrices


@pytest.mark.parametrize('detector', ['haar', 'mtcnn'])
def test_eyes_of_a_photograph_lie_within_three_pixels(detector, monkeypatch, haar):
    photo = pytest.importorskip('skimage.data').astronaut()
    if detector == 'mtcnn':
        pytest.importorskip('facenet_pytorch')
    frames, matrices = moved(photo)
    used = []
    warp = cv2.warpAffine
    monkeypatch.setattr(faces.cv2, 'warpAffine',
                        lambda f, m, *args, **kw: used.append(m) or warp(f, m, *args, **kw))
    crops, found = faces.aligned_faces(frames, faces.DETECTORS[detector])
    crops = list(crops)
    assert found == len(crops) == len(used) == 10
    assert all(crop.shape == (224, 224, 3) and crop.dtype == np.uint8 for crop in crops)
    errors = []
    for motion, crop in zip(matrices, used, strict=True):
        eyes = EYES @ motion[:, :2].T + motion[:, 2]
        eyes = eyes @ crop[:, :2].T + crop[:, 2]
        errors.append(np.linalg.norm(eyes - TARGETS[:2], axis=1))
    print(f'{detector}: mean {np.mean(errors):.2f}, largest {np.max(errors):.2f} px')
    assert np.max(errors) < 3


def test_a_face_in_a_large_frame_is_where_it_is_in_a_small_one(haar):
    frame = np.full((300, 480, 3), 120, np.uint8)
    frame[60:260, 150:350] = cv2.resize(make_clip('happiness', 301, 1, 4)[-1], (200, 200))
    small, = faces.find_haar(frame)
    large, = faces.find_haar(cv2.resize(frame, (1920, 1200), interpolation=cv2.INTER_CUBIC))
    assert np.allclose(np.array(large['box']) / 4, small['box'], atol=12)
    assert np.allclose(large['points'] / 4, small['points'], atol=5)


def test_similarity_undoes_a_turn_scale_and_shift():
    angle = 0.4
    turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = np.random.default_rng(0).normal(size=(5, 2))
    assert np.allclose(similarity(source, source @ turn.T + [3, -4]),
                       np.column_stack([turn, [3, -4]]))
    target = source + [[0, 0], [0, 0], [9, 0], [0, 9], [9, 9]]
    matrix = similarity(source, target, np.array([1, 1, 1e-9, 1e-9, 1e-9]))
    assert np.allclose(matrix, np.eye(2, 3), atol=1e-6)


def face(x, y, size, value=0):
    return dict(box=(x, y, size, size), points=np.array([[x + value, y], [x + size, y]], float))


def test_the_largest_face_that_stays_is_followed_over_gaps():
    found = [[face(10 + n, 10, 50), face(200, 10, 30)] for n in range(8)]
    found[3] = [found[3][1]]  # not found once
    found[5] = [*found[5][::-1], face(100, 100, 90)]  # a large mistake
    track = main_track(found)
    assert sorted(track) == [0, 1, 2, 4, 5, 6, 7]
    assert [f['box'][0] for f in track.values()] == [10, 11, 12, 14, 15, 16, 17]
    points = smooth(track, 8)
    assert np.allclose(points[:, 0, 0], 10 + np.arange(8))  # even motion stays as it is
    assert main_track([[], []]) is None


def test_overlaps_by_hand():
    """A box with itself, half of it, its corner, beside it."""
    box, others = (10, 20, 4, 4), [(10, 20, 4, 4), (10, 20, 4, 2), (12, 22, 4, 4), (14, 20, 4, 4)]
    assert np.allclose(overlaps([box], others), [[1, 1 / 2, 4 / 28, 0]])
    assert overlaps([], others).shape == (0, 4)


@pytest.mark.parametrize('count', [1, 2, 3, 4, 5, 6, 17])
def test_smoothing_is_a_line_through_the_nearest_five(count):
    """The line by least squares, its two sums written out; fewer than three frames stay."""
    rng = np.random.default_rng(count)
    track = {n: dict(points=rng.normal(size=(5, 2))) for n in range(count)}
    found = smooth(track, count)
    for n in range(count):
        window = min(5, count)
        start = min(max(n - 2, 0), count - window)
        near = np.array([track[m]['points'] for m in range(start, start + window)])
        t = np.arange(window) - (window - 1) / 2
        if count < 3:
            expected = track[n]['points']
        else:
            slope = (t[:, None, None] * near).sum(0) / (t ** 2).sum()
            expected = near.mean(0) + slope * (n - start - (window - 1) / 2)
        assert np.allclose(found[n], expected, rtol=0, atol=1e-12)


def test_smoothing_takes_the_jitter_away():
    jitter = np.random.default_rng(0).normal(size=40)
    track = {n: face(100, 100, 50, jitter[n]) for n in range(40)}
    assert smooth(track, 40)[2:-2, 0, 0].std() < 0.6 * jitter.std()


def square(frame):
    """A detector: the white square is the face."""
    rows, columns = np.nonzero(frame.min(2) > 200)
    if not len(rows):
        return []
    x, y, size = columns.min(), rows.min(), np.ptp(columns) + 1
    return [dict(box=(x, y, size, size), points=np.array([[x, y], [x + size, y]], float))]


@pytest.fixture
def videos(tmp_path, write_clip):
    source = tmp_path / 'in'
    (source / 'Train_AFEW' / 'Happy').mkdir(parents=True)
    for name, white in (('000', True), ('001', True), ('002', False)):
        frames = np.zeros((6, 64, 80, 3), np.uint8)
        if white:
            frames[:, 20:40, 30:50] = 255
        write_clip(source / 'Train_AFEW' / 'Happy' / f'{name}.avi', frames)
    (source / 'Train_AFEW/Happy/003.avi').write_bytes(b'no video')
    (source / 'list.txt').write_text('a list')
    return source


def test_a_folder_in_the_layout_of_its_source_with_a_report(prepare, videos, tmp_path):
    from hesp_mmaction.datasets.afew import afew_clips
    out = tmp_path / 'out'
    prepare.prepare(videos, out, square)
    happy = out / 'Train_AFEW' / 'Happy'
    assert sorted(p.name for p in happy.iterdir()) == ['000.avi', '001.avi']
    assert len(list((happy / '000.avi').iterdir())) == 6
    crop = cv2.imread(str(happy / '000.avi' / '00001.jpg')).mean(2)
    top = TARGETS[0].round().astype(int)
    assert crop[top[1] + 5:top[1] + 60, top[0] + 5:top[0] + 60].min() > 200
    assert crop[:top[1] - 8].max() < 60
    assert (out / 'list.txt').read_text() == 'a list'
    clips, _ = afew_clips(str(out), 'train')
    assert sorted(c.path for c in clips) == [str(happy / '000.avi'), str(happy / '001.avi')]
    with open(out / 'faces.csv', newline='') as file:
        rows = {row['clip'].split('/')[-1]: row for row in csv.DictReader(file)}
    assert [rows[f'00{i}.avi']['problem'] for i in range(4)] == [
        '', '', 'no face', 'cannot be opened']
    assert rows['000.avi']['frames'] == rows['000.avi']['found'] == '6'


def test_it_goes_on_where_it_stopped(prepare, videos, tmp_path, monkeypatch):
    out = tmp_path / 'out'
    prepare.prepare(videos, out, square)
    happy = out / 'Train_AFEW' / 'Happy'
    first = {p: p.stat().st_mtime_ns for p in (happy / '000.avi').iterdir()}
    # As it is left when the run is killed in the middle of the second clip.
    (happy / '001.avi').rename(happy / '.001.avi.part')
    (happy / '.001.avi.part' / '00006.jpg').unlink()
    lines = (out / 'faces.csv').read_text().splitlines(keepends=True)
    lines = [line for line in lines if '001.avi' not in line]
    (out / 'faces.csv').write_text(''.join(lines) + 'Train_AFEW/Happy/001.avi,6')
    done = []
    run = prepare.run_guarded
    monkeypatch.setattr(prepare, 'run_guarded',
                        lambda f, items, *args: done.extend(items) or run(f, items, *args))
    rows = prepare.prepare(videos, out, square)
    assert done == ['Train_AFEW/Happy/001.avi'] and len(rows) == 4
    assert len(list((happy / '001.avi').iterdir())) == 6
    assert not (happy / '.001.avi.part').exists()
    assert first == {p: p.stat().st_mtime_ns for p in (happy / '000.avi').iterdir()}
    assert len((out / 'faces.csv').read_text().splitlines()) == 5


def test_bad_folders_and_a_missing_detector_are_said(prepare, videos, tmp_path, monkeypatch):
    with pytest.raises(InputError, match='no folder'):
        prepare.prepare(tmp_path / 'nowhere', tmp_path / 'out', square)
    with pytest.raises(InputError, match='lies in'):
        prepare.prepare(videos, videos / 'faces', square)
    monkeypatch.setitem(sys.modules, 'facenet_pytorch', None)
    faces.load_mtcnn.cache_clear()
    with pytest.raises(InputError, match='pip install --no-deps facenet-pytorch'):
        faces.load_mtcnn()
