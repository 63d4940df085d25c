"""Annotated frames: what is drawn where, which window a frame belongs to, a video read back."""
import cv2
import decord
import numpy as np
import pytest

from hesp_mmaction.datasets.faces import TARGETS, similarity
from hesp_mmaction.visualization.annotate import (
    annotate,
    annotate_frame,
    region_corners,
    result_at,
    score_limits,
)
from hesp_mmaction.visualization.panel import COLOURS, PANEL
from hesp_mmaction.visualization.video_writer import write_video


def result(emotion='anger', score=1.0, threshold=0.5, start=0.0, end=1.0, **more):
    return dict(file='a', start=start, end=end, emotion=emotion, best_known='anger', score=score,
                threshold=threshold, probabilities=dict(anger=0.75, fear=0.25), region=None,
                image_size=96, face=None) | more


def near(picture, colour, tolerance=12):
    return (np.abs(picture.astype(int) - colour) <= tolerance).all(-1)


def bar_length(picture, colour):
    """Columns of a colour in the row of the score bar, 384 wide."""
    return int(near(picture[384 + 53], colour).sum())


def test_small_frames_are_enlarged_and_large_ones_keep_their_size():
    for shape, expected in (((96, 96), (384, 384)), ((33, 47), (270, 384)),
                            ((300, 501), (300, 500)), ((720, 1280), (720, 1280))):
        picture = annotate_frame(np.zeros((*shape, 3), np.uint8), result(), 0.0, (0, 1))
        height, width = picture.shape[:2]
        assert width == expected[1] and width % 2 == height % 2 == 0
        panel = round(43 * width / 384) * 2
        assert height - panel == expected[0]
        assert near(picture[-1], PANEL).all()


def test_calibrated_probabilities_are_shown_where_there_are_any():
    frame, changed = np.zeros((96, 96, 3), np.uint8), dict(anger=0.6, fear=0.4)
    for emotion in ('anger', 'unknown'):
        plain, calibrated, same = (
            annotate_frame(frame, result(emotion, **more), 0.0, (0, 1)) for more in (
                {}, dict(calibrated=changed), dict(calibrated=None, probabilities=changed)))
        assert (calibrated == same).all() and (plain != same).any()


def test_the_frame_itself_is_unchanged():
    frame = np.full((96, 96, 3), 80, np.uint8)
    annotate_frame(frame, result('unknown', region=[10, 10, 20], face=[1, 2, 30, 40]), 0.0, (0, 1))
    assert (frame == 80).all()


def test_the_bar_is_as_long_as_the_score_and_unknown_has_its_colour():
    frame = np.zeros((384, 384, 3), np.uint8)
    limits = 0.0, 1.0
    full = 384 - 76 - 14
    for emotion, score in (('unknown', 0.25), ('unknown', 0.4), ('anger', 0.8), ('anger', 7.0)):
        kind = 'unknown' if emotion == 'unknown' else 'known'
        picture = annotate_frame(frame, result(emotion, score), 0.0, limits)
        mark = 4 if score > 0.5 else 0  # the threshold covers a few columns
        assert abs(bar_length(picture, COLOURS[kind]) + mark - min(score, 1) * full) <= 6
        other = COLOURS['known' if kind == 'unknown' else 'unknown']
        assert bar_length(picture, other) == 0
        border = near(picture[:2, :384], COLOURS['unknown']).all()
        assert border == (emotion == 'unknown')


def test_without_threshold_nothing_is_marked():
    with_mark, without = (annotate_frame(np.zeros((384, 384, 3), np.uint8), result(
        threshold=t, score=0.2), 0.0, (0, 1))[384 + 53] for t in (0.5, None))
    white = [near(row[:300], (240, 240, 240), 3).any() for row in (with_mark, without)]
    assert white == [True, False]


@pytest.mark.parametrize('shape', [(96, 96), (120, 200)])
def test_the_region_lies_where_the_model_saw_it(shape):
    # A white square drawn into what the model sees (the frame squeezed to 96 x 96) and carried back
    # by resizing is the region's box.
    square = np.zeros((96, 96), np.uint8)
    square[24:48, 60:84] = 255
    there = cv2.resize(square, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    rows, columns = np.nonzero(there)
    corners = region_corners([24, 60, 24], 96, shape)
    assert np.allclose(corners.min(0), (columns.min(), rows.min()), atol=1)
    assert np.allclose(corners.max(0), (columns.max() + 1, rows.max() + 1), atol=1)


def test_the_region_of_a_turned_face_is_turned_back():
    eyes = np.array([(40.0, 50.0), (80.0, 70.0)])
    to_crop = similarity(eyes, TARGETS[:2])
    frame = np.zeros((140, 140), np.uint8)
    cv2.circle(frame, (40, 50), 3, 255, -1)
    crop = cv2.resize(cv2.warpAffine(frame, to_crop, (224, 224)), (96, 96))
    y, x = (int(v) for v in np.argwhere(crop == crop.max()).mean(0))
    corners = region_corners([y - 6, x - 6, 12], 96, frame.shape, to_crop)
    assert np.linalg.norm(corners.mean(0) - eyes[0]) < 1.5
    sides = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    assert np.allclose(sides, sides[0])
    turn = np.degrees(np.arctan2(*(corners[1] - corners[0])[::-1]))
    assert turn == pytest.approx(np.degrees(np.arctan2(20, 40)), abs=0.5)


def test_the_outline_is_drawn_in_the_frame():
    frame = np.full((96, 96, 3), 200, np.uint8)
    picture = annotate_frame(frame, result(region=[24, 60, 24]), 0.0, (0, 1))
    coloured = near(picture[:384], COLOURS['known'], 2)
    rows, columns = np.nonzero(coloured)
    assert np.allclose((rows.min(), rows.max()), (96, 192), atol=3)
    assert np.allclose((columns.min(), columns.max()), (240, 336), atol=3)
    assert not coloured[110:180, 250:326].any()  # hollow


def test_a_frame_belongs_to_the_window_whose_middle_is_nearest():
    windows = [result(start=s, end=s + 2.0) for s in (0.0, 1.0, 2.0)]
    assert [windows.index(result_at(windows, t)) for t in (0, 1.4, 1.6, 2.4, 2.6, 9)] == [
        0, 0, 1, 1, 2, 2]


def test_limits_hold_every_score_with_the_threshold_in_the_middle():
    low, high = score_limits([result(score=-3.0), result(score=1.0), dict(file='b', error='x')])
    assert low < -3 and high > 1 and (low + high) / 2 == pytest.approx(0.5)
    low, high = score_limits([result(score=s, threshold=None) for s in (2.0, 4.0)])
    assert low < 2 and high > 4
    low, high = score_limits([result(score=0.5)])
    assert low < 0.5 < high
    assert score_limits([dict(file='b', error='x')]) == (0.0, 1.0)


def test_a_video_is_read_back(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.integers(60, 120, (10, 4, 4, 3), dtype=np.uint8).repeat(24, 1).repeat(24, 2)
    results = [result(start=0.0, end=0.5), result('unknown', 0.2, start=0.5, end=1.0)]
    path = str(tmp_path / 'new' / 'a.mp4')
    times = np.arange(11) / 10
    pictures = list(annotate(frames, results, times))
    write_video(path, iter(pictures), times)
    reader = decord.VideoReader(path)
    assert len(reader) == 10 and reader.get_avg_fps() == pytest.approx(10)
    for number in (0, 4, 9):
        found = reader[number].asnumpy()
        assert found.shape == pictures[number].shape
        assert np.abs(found.astype(int) - pictures[number]).mean() < 8
    unknown = [near(reader[n].asnumpy()[:2], COLOURS['unknown'], 50).mean() > 0.9
               for n in range(10)]
    assert unknown == [False] * 6 + [True] * 4 or unknown == [False] * 5 + [True] * 5
    assert not list(tmp_path.rglob('*.part*'))
