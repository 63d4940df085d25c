"""Number i is the i-th frame that a player shows, at its own time, whoever asks, in any order."""
import os
import random
import subprocess
import sys

import av
import cv2
import numpy as np
import pytest
from numbered import change, cut_packets, number_of, picture, trim, turn, write

from hesp_mmaction.datasets import video as video_module
from hesp_mmaction.datasets.decoding import BrokenClip, upright
from hesp_mmaction.datasets.integrity import damage, undecodable, unreadable
from hesp_mmaction.datasets.video import Video
from hesp_mmaction.datasets.video_layout import find_layout

OPEN_GOP = dict(bf='3', x264_params='open-gop=1:keyint=12')


def random_requests(path, count=150):
    """How many of the requested frames show another number than they should."""
    clip, rng = Video(str(path)), random.Random(0)
    wrong = 0
    for _ in range(count):
        number = rng.randrange(len(clip))
        if rng.random() < 0.1:
            clip.close()
        clip._kept.clear()  # what was decoded before must not help
        wrong += number_of(clip[number]) != number
    return wrong


def test_a_frame_is_converted_without_threads(tmp_path, monkeypatch):
    """Threads of FFmpeg's scaler take longer than they save, and some hang in a fork."""
    threads, frame = [], av.VideoFrame(16, 8, 'yuv420p')

    class Frame:
        rotation, height, width = 0, 8, 16

        def reformat(self, *args, **kwargs):
            threads.append(kwargs.get('threads', 1 if older else 'all'))
            return self if args else frame.reformat(**kwargs)

        def to_ndarray(self, **kwargs):
            return self.reformat(**kwargs).to_ndarray()
    older = int(av.__version__.split('.')[0]) < 17
    assert upright(Frame(), (4, 8)).shape == (8, 16, 3)
    assert threads == [1, 1]


KINDS = dict(
    closed_gop=('a.mp4', 'libx264', dict(bf='2', g='12')),
    open_gop=('a.mp4', 'libx264', OPEN_GOP),
    intra_refresh=('a.mp4', 'libx264', dict(x264_params='intra-refresh=1:keyint=12')),
    h265=('a.mov', 'libx265', dict(x265_params='keyint=12:log-level=none')),
    avi_with_b_frames=('a.avi', 'mpeg4', dict(bf='2', g='12')),
    avi_without=('a.avi', 'mpeg4', dict(g='12')),
    h264_in_avi=('a.avi', 'libx264', dict(bf='3', g='12')),
    mpeg1=('a.mpg', 'mpeg1video', dict(bf='2', g='12')),
    transport_stream=('a.ts', 'libx264', dict(bf='3', g='12')),
    vp8=('a.webm', 'libvpx', dict(g='12', auto_alt_ref='1', lag_in_frames='12')),
    vp9=('a.webm', 'libvpx-vp9', dict(g='12', cpu_used='8', deadline='realtime')),
    matroska=('a.mkv', 'libx264', dict(bf='3', g='12')),
    gif=('a.gif', 'gif', dict(pix_fmt='rgb8')))


@pytest.mark.parametrize('kind', KINDS)
def test_random_requests_give_the_frame_of_that_number(kind, tmp_path):
    name, codec, options = KINDS[kind]
    path = write(tmp_path / name, codec, **options)
    clip = Video(str(path))
    assert [number_of(frame) for frame in clip] == list(range(40))
    assert clip.fps == pytest.approx(25, rel=0.01)
    assert random_requests(path) == 0
    assert undecodable(str(path)) is None and damage(str(path)) is None


def test_the_lead_of_a_key_frame_is_not_kept_half_decoded(tmp_path):
    """In an open GOP, frames before the key frame come out wrong if decoding begins there."""
    path = write(tmp_path / 'a.mp4', 'libx264', **OPEN_GOP)
    for first in range(40):
        clip = Video(str(path))
        clip[first]
        assert [number_of(clip[n]) for n in clip._kept] == list(clip._kept)


def test_av1(tmp_path):
    path = write(tmp_path / 'a.mkv', 'libsvtav1', count=8)
    assert [number_of(frame) for frame in Video(str(path))] == list(range(8))


def test_a_trimmed_clip_has_the_frames_that_are_shown(tmp_path):
    whole = write(tmp_path / 'whole.mp4', 'libx264', count=32, bf='2', g='250')
    path = trim(whole, tmp_path / 'trimmed.mp4', 12, 20)
    clip = Video(str(path))
    assert [number_of(frame) for frame in clip] == list(range(12, 32))
    assert clip.times[0] == 0 and clip.times[-1] == pytest.approx(0.8)
    clip.close()
    assert number_of(clip[7]) == 19


@pytest.mark.parametrize('degrees', [90, 180, 270])
def test_a_phone_video_stands_upright(tmp_path, degrees):
    whole = write(tmp_path / 'whole.mp4', 'libx264', count=3)
    frame = Video(str(turn(whole, tmp_path / 'turned.mp4', degrees)))[2]
    expected = np.rot90(Video(str(whole))[2], -degrees // 90)  # the matrix turns clockwise
    np.testing.assert_array_equal(frame, expected)


def test_frames_have_the_times_of_the_file(tmp_path):
    stamps = np.concatenate([np.arange(10) * 40, 400 + np.arange(10) * 200])
    path = write(tmp_path / 'a.mp4', 'libx264', count=20, stamps=stamps.tolist(), bf='0')
    clip = Video(str(path))
    np.testing.assert_allclose(clip.times[:-1], stamps / 1000)
    assert clip.fps == pytest.approx(20 / clip.times[-1])


def test_a_rate_that_no_codec_takes_and_a_single_frame_of_no_duration(tmp_path):
    whole = write(tmp_path / 'whole.mp4', 'libx264', count=32, bf='0')

    def ints(*values):
        return b''.join(value.to_bytes(4, 'big') for value in values)
    fast = Video(str(change(
        whole, tmp_path / 'fast.mp4', mdhd=lambda c: c[:12] + ints(211222, 32000) + c[20:],
        stts=lambda c: c[:4] + ints(1, 32, 1000))))
    assert fast.fps == pytest.approx(211.222) and number_of(fast[31]) == 31
    one = Video(str(change(
        whole, tmp_path / 'one.mp4', stts=lambda c: c[:4] + ints(1, 1, 0),
        stsz=lambda c: c[:8] + ints(1) + c[12:16], stss=lambda c: c[:4] + ints(1, 1))))
    assert len(one) == 1 and one.fps is None and np.isfinite(one.times).all()


def test_a_recorded_webm_without_a_duration(tmp_path):
    path = write(tmp_path / 'a.webm', 'libvpx')
    content = path.read_bytes()
    at = content.index(b'\x44\x89\x88')  # Duration, eight bytes; becomes Void
    path.write_bytes(content[:at] + b'\xec\x89' + bytes(9) + content[at + 11:])
    assert [number_of(frame) for frame in Video(str(path))] == list(range(40))


def test_a_stream_that_was_cut_begins_at_its_first_key_frame(tmp_path):
    """As in a player. VP9's decoder, unlike others, fails on what comes before that frame."""
    whole = write(tmp_path / 'whole.webm', 'libvpx-vp9', g='12', cpu_used='8', deadline='realtime')
    clip = Video(str(cut_packets(whole, tmp_path / 'cut.webm', 3)))
    assert [number_of(frame) for frame in clip] == list(range(12, 40))
    assert [number_of(clip[n]) for n in (20, 3, 27, 0)] == [32, 15, 39, 12]


def test_a_packet_that_says_as_before_is_no_frame(tmp_path):
    """MPEG-4 of encoders that drop frames has such: a player goes on showing the frame before."""
    whole, path = write(tmp_path / 'whole.avi', 'mpeg4', count=20, g='12'), tmp_path / 'a.avi'
    with av.open(str(whole)) as source, av.open(str(path), 'w') as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            if number in (5, 6):  # type P, time (5 bits) between markers, not coded, stuffing
                bits = f'0101{number:05b}10' + '0' + '1' * 4
                empty = av.Packet(b'\0\0\1\xb6' + int(bits, 2).to_bytes(2, 'big') + b'\x7f')
                empty.pts, empty.dts, empty.time_base = packet.pts, packet.dts, packet.time_base
                packet = empty
            packet.stream = stream
            container.mux(packet)
    clip = Video(str(path))
    assert len(clip) == 18 and undecodable(str(path)) is None
    np.testing.assert_allclose(clip.times[3:7], [0.12, 0.16, 0.28, 0.32])
    assert number_of(clip[4]) == 4


def test_a_damaged_first_key_frame_is_no_beginning_that_was_cut_off(tmp_path):
    whole, path = write(tmp_path / 'whole.webm', 'libvpx', g='12'), tmp_path / 'a.webm'
    with av.open(str(whole)) as source:
        key = bytes(next(source.demux(video=0)))
    content = whole.read_bytes()
    assert content.count(key) == 1
    path.write_bytes(content.replace(key, key[:1] + bytes(len(key) - 1)))
    assert undecodable(str(path)) == 'cannot be decoded after frame 0'


@pytest.mark.parametrize('codec, name', [('mjpeg', 'a.avi'), ('libx264', 'a.mp4')])
def test_going_through_in_order_never_seeks(tmp_path, monkeypatch, codec, name):
    pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
    clip = Video(str(write(tmp_path / name, codec, pix_fmt=pix_fmt, g='12')))
    begun, begin = [], Video._begin
    monkeypatch.setattr(Video, '_begin', lambda self, key: begun.append(key) or begin(self, key))
    assert [number_of(frame) for frame in clip] == list(range(40)) and begun == [None]


def test_a_call_that_changes_its_size_comes_in_one(tmp_path):
    small = write(tmp_path / 'small.ts', 'libx264', count=5, g='1')
    path = tmp_path / 'both.ts'
    with av.open(str(tmp_path / 'large.ts'), 'w') as container:
        stream = container.add_stream('libx264', rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 192, 'yuv420p'
        for number in range(5, 9):
            large = picture(number).repeat(2, 0).repeat(2, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(large, format='rgb24')))
        container.mux(stream.encode(None))
    path.write_bytes(small.read_bytes() + (tmp_path / 'large.ts').read_bytes())
    frames = list(Video(str(path)))
    assert len({frame.shape for frame in frames}) == 1
    assert [number_of(frame) for frame in frames] == list(range(9))


def test_a_name_that_is_not_utf8(tmp_path):
    path = os.path.join(os.fsencode(tmp_path), b'caf\xe9.mp4')
    with open(path, 'wb') as file:
        file.write(write(tmp_path / 'a.mp4', 'libx264', count=4).read_bytes())
    path = os.fsdecode(path)
    assert unreadable(path) is None and number_of(Video(path)[3]) == 3


def test_memory_does_not_grow_with_the_length(tmp_path, monkeypatch):
    path = write(tmp_path / 'a.mp4', 'libx264', count=40)
    monkeypatch.setattr(video_module, 'KEPT_BYTES', 5 * 128 * 96 * 3)
    clip = Video(str(path))
    for number in range(len(clip)):
        clip[number]
        assert len(clip._kept) <= 5
    assert number_of(clip[3]) == 3 and random_requests(path) == 0


def test_a_file_is_looked_at_again_when_it_changed(tmp_path):
    path = write(tmp_path / 'a.mp4', 'libx264', count=10)
    assert len(find_layout(str(path)).stamps) == 10
    write(path, 'libx264', count=12)
    assert len(find_layout(str(path)).stamps) == 12


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / 'a.mp4').write_bytes(b'no video at all')
    with pytest.raises(BrokenClip, match='cannot be opened'):
        Video(str(tmp_path / 'a.mp4'))
    with av.open(str(tmp_path / 'sound.mp4'), 'w') as container:
        stream = container.add_stream('aac', rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), 'fltp', 'mono')
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert unreadable(str(tmp_path / 'sound.mp4')) == 'no video stream'
    with pytest.raises(IndexError):
        Video(str(write(tmp_path / 'b.mp4', 'libx264', count=2)))[2]


@pytest.mark.ci
@pytest.mark.parametrize('first', ['decord', 'cv2'])
def test_pictures_are_read_whatever_was_imported_before(tmp_path, first):
    """Once decord is imported, OpenCV's own reader returns None for a PNG."""
    cv2.imwrite(str(tmp_path / '1.png'), picture(5)[..., ::-1])
    np.save(tmp_path / 'expected.npy', picture(5))
    code = (f'import {first}, cv2, decord\nimport numpy as np\n'
            'from hesp_mmaction.datasets.pictures import read_picture\n'
            'np.testing.assert_array_equal(read_picture("1.png"), np.load("expected.npy"))')
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
