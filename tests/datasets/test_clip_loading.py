"""Videos and folders of frames through the same transforms."""
import cv2
import numpy as np
import pytest

from hesp_mmaction.datasets import clip_loading
from hesp_mmaction.datasets.clip_loading import ClipDecode, ClipInit, list_images
from hesp_mmaction.datasets.decoding import BrokenClip
from hesp_mmaction.datasets.integrity import unreadable


@pytest.fixture
def folder(tmp_path):
    """Twelve frames 1.png .. 12.png; frame i is red with level 20 i."""
    path = tmp_path / 'my clip'
    path.mkdir()
    for i in range(1, 13):
        cv2.imwrite(str(path / f'{i}.png'), np.full((8, 6, 3), (0, 0, 20 * i), np.uint8))
    (path / 'Thumbs.db').write_bytes(b'')
    (path / '._1.png').write_bytes(b'left by a Mac')
    return path


def load(folder, wanted):
    info = ClipInit()(dict(filename=str(folder)))
    return ClipDecode()(dict(info, frame_inds=np.array(wanted)))


def test_frames_come_in_the_order_of_their_numbers_and_in_rgb(folder):
    assert ClipInit()(dict(filename=str(folder)))['total_frames'] == 12
    result = load(folder, [0, 1, 9, 11, 11])
    assert [image[0, 0].tolist() for image in result['imgs']] == [
        [20, 0, 0], [40, 0, 0], [200, 0, 0], [240, 0, 0], [240, 0, 0]]
    assert result['img_shape'] == result['original_shape'] == (8, 6)


def test_only_sampled_frames_are_read(folder, monkeypatch):
    read = []
    monkeypatch.setattr(clip_loading, 'read_picture',
                        lambda path: read.append(path) or np.zeros((2, 2)))
    load(folder, [3, 7, 3])
    assert sorted(read) == [str(folder / '4.png'), str(folder / '8.png')]


def test_names_of_aligned_faces_and_other_types(tmp_path):
    for name in ('000046280-010.jpg', '000046280-002.JPG', '000046280-001.bmp', 'x.txt'):
        (tmp_path / name).write_bytes(b'')
    assert [path.rsplit('-')[-1] for path in list_images(tmp_path)] == [
        '001.bmp', '002.JPG', '010.jpg']


def test_faces_of_different_size_become_one_array(folder):
    cv2.imwrite(str(folder / '2.png'), np.zeros((20, 30, 3), np.uint8))
    assert np.stack(load(folder, [0, 1])['imgs']).shape == (2, 8, 6, 3)


def test_a_broken_frame_and_an_empty_folder(folder, tmp_path):
    (folder / '3.png').write_bytes(b'no picture')
    with pytest.raises(BrokenClip, match='3.png cannot be decoded'):
        load(folder, [2])
    assert unreadable(str(folder)) is None
    (tmp_path / 'empty').mkdir()
    assert unreadable(str(tmp_path / 'empty')) == 'no images in this folder'


def test_a_video_through_the_same_transforms(tiny_afew):
    clip = tiny_afew / 'Val_AFEW' / 'Sad' / '000.avi'
    result = load(clip, [0, 11])
    assert result['total_frames'] == 12 and len(result['imgs']) == 2
