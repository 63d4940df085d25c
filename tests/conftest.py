"""Fixtures for all tests: small, real data made on the spot."""
import importlib.util
import io
import json
import multiprocessing
import struct
import sys
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

TINY_VIT = dict(embed_dim=12, quick_gelu=True,
                text_cfg=dict(context_length=40, vocab_size=49408, width=16, heads=2, layers=1),
                vision_cfg=dict(image_size=32, layers=2, width=16, head_width=8, patch_size=8))
AFEW_FOLDERS = ('Angry', 'Disgust', 'Fear', 'Happy', 'Neutral', 'Sad', 'Surprise')


@pytest.fixture
def haar():
    """For tests that look for faces: OpenCV 5 cannot, unless another detector is installed."""
    if not hasattr(cv2, 'CascadeClassifier'):
        pytest.skip(f'OpenCV {cv2.__version__} has no Haar cascades')


def _write_clip(path, frames):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame))
    writer.release()


def _write_odd_clip(path, frames):
    """An .avi of motion JPEG in exactly the size of its frames; OpenCV would make it even."""
    height, width = frames[0].shape[:2]

    def chunk(name, content, kind=b''):
        content = kind + content
        return name + struct.pack('<I', len(content)) + content + b'\0' * (len(content) % 2)

    movie, index = b'', b''
    for frame in frames:
        jpeg = io.BytesIO()
        Image.fromarray(frame).save(jpeg, 'jpeg')
        index += b'00dc' + struct.pack('<3I', 16, 4 + len(movie), len(jpeg.getvalue()))
        movie += chunk(b'00dc', jpeg.getvalue())
    count = len(frames)
    main = struct.pack('<14I', 40000, 0, 0, 16, count, 0, 1, 0, width, height, 0, 0, 0, 0)
    stream = b'vidsMJPG' + struct.pack('<10I4H', 0, 0, 0, 1, 25, 0, count, 0, 0, 0,
                                       0, 0, width, height)
    picture = struct.pack('<I2i2H', 40, width, height, 1, 24) + b'MJPG' + bytes(20)
    streams = chunk(b'LIST', chunk(b'strh', stream) + chunk(b'strf', picture), b'strl')
    path.write_bytes(chunk(
        b'RIFF', chunk(b'LIST', chunk(b'avih', main) + streams, b'hdrl')
        + chunk(b'LIST', movie, b'movi') + chunk(b'idx1', index), b'AVI '))


@pytest.fixture(scope='session', autouse=True)
def frame_stores(tmp_path_factory):
    """Stores of decoded frames that no test names are in a folder of the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('HESP_FRAME_STORE', str(tmp_path_factory.mktemp('frame_stores')))
        yield


@pytest.fixture(autouse=True)
def shipped_emotions():
    """No test leaves emotions of its own to the next one."""
    yield
    emotions = sys.modules.get('hesp_mmaction.datasets.emotions')
    if emotions is not None:
        emotions.use(emotions.SHIPPED)


@pytest.fixture(scope='session')
def write_clip():
    """A function (path, frames (T, H, W, 3) uint8) that writes an .avi file (motion JPEG)."""
    return _write_clip


@pytest.fixture(scope='session')
def tiny_afew(tmp_path_factory):
    """A folder in AFEW's layout: 7 emotions x 2 clips in each part, 64 px, 12 frames."""
    root = tmp_path_factory.mktemp('afew')
    rng = np.random.default_rng(0)
    for part in ('Train_AFEW', 'Val_AFEW'):
        for folder in AFEW_FOLDERS:
            (root / part / folder).mkdir(parents=True)
            for i in range(2):
                coarse = rng.integers(0, 256, (12, 4, 4, 3), dtype=np.uint8)
                _write_clip(root / part / folder / f'{i:03d}.avi',
                            coarse.repeat(16, axis=1).repeat(16, axis=2))
    return root


@pytest.fixture(scope='session')
def in_processes():
    """A function (worker, args, number) that calls worker(rank, *args) in as many new processes.

    With a GPU they are forked from a process that has done nothing yet, which takes a while. If
    they were forked from this one, they could compute no gradient once it has computed one there.
    """
    method = 'forkserver' if torch.cuda.is_available() else 'fork'
    multiprocessing.set_forkserver_preload(['hesp_mmaction.engine', 'hesp_mmaction.models'])

    def start(worker, args, number):
        torch.multiprocessing.start_processes(worker, args, nprocs=number, start_method=method)
    return start


@pytest.fixture(scope='session')
def tool_module():
    """A function (path below tools/) that imports a tool as a module."""
    def load(path):
        file = Path(__file__).parents[1] / 'tools' / path
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(file.parent)  # as when it is run
            spec.loader.exec_module(module)
        return module
    return load


@pytest.fixture(scope='session')
def tiny_options(tiny_afew, tmp_path_factory):
    """--cfg-options that make the AFEW configs small: a tiny ViT with weights on disk, one epoch
    over 6 training clips, 14 test clips."""
    from hesp_mmaction.models.clip import load_clip
    arch = tmp_path_factory.mktemp('clip') / 'tiny.json'
    arch.write_text(json.dumps(TINY_VIT))
    torch.manual_seed(0)
    torch.save(load_clip(str(arch)).state_dict(), arch.with_suffix('.pt'))
    workers = {f'{part}_dataloader.{key}': value for part in ('train', 'val', 'test')
               for key, value in (('num_workers', 0), ('persistent_workers', False))}
    return {'data_root': str(tiny_afew), 'image_size': 32, 'clip.arch': str(arch),
            'clip.pretrained': str(arch.with_suffix('.pt')), 'train_cfg.max_epochs': 1,
            'train_dataloader.batch_size': 4, **workers,
            'precision.tf32': False}  # figures of a GPU are compared with others


def _write_damaged(folder):
    folder.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(1).integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
    frames = coarse.repeat(16, axis=1).repeat(16, axis=2)
    _write_clip(folder / 'one.avi', frames[:1])
    _write_odd_clip(folder / 'odd.avi', frames[:12, :33, :47])
    for name in ('full.avi', 'full.mp4'):
        path = folder / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(
            *('MJPG' if name.endswith('avi') else 'mp4v')), 25, (64, 64))
        for frame in frames:
            writer.write(frame)
        writer.release()
    avi, mp4 = ((folder / name).read_bytes() for name in ('full.avi', 'full.mp4'))
    index = avi.rindex(b'idx1')
    blank = {share: avi[:int(index * share)] + bytes(index - int(index * share)) + avi[index:]
             for share in (0.3, 0.9)}
    broken = {
        'half.avi': (avi[:len(avi) // 2], 'truncated: '),
        'half.mp4': (mp4[:len(mp4) // 2], 'truncated: '),
        'zero.avi': (b'', 'empty file'),
        'text.avi': (b'this is a text\n' * 100, 'cannot be opened'),
        'header.avi': (avi[:avi.index(b'movi') + 4], 'truncated: '),
        'blank.avi': (blank[0.3], 'cannot be decoded to its end'),
        # Whether its eight sampled frames can be read differs from call to call.
        'luck.avi': (blank[0.9], 'cannot be decoded to its end')}
    for name, (content, _) in broken.items():
        (folder / name).write_bytes(content)
    with wave.open(str(folder / 'sound.wav'), 'wb') as sound:
        sound.setparams((1, 2, 8000, 8000, 'NONE', ''))
        sound.writeframes(bytes(16000))
    (folder / 'sound.wav').rename(folder / 'sound.avi')
    for name in ('full.avi', 'full.mp4'):
        (folder / name).unlink()
    return {name: reason for name, (_, reason) in broken.items()} | {
        'sound.avi': 'no video stream'}


@pytest.fixture(scope='session')
def write_damaged():
    """A function (folder) that writes ten odd clips into it.

    ``one.avi`` (one frame) and ``odd.avi`` (33 x 47) are fine; of the others it gives the names
    and how the reason begins.
    """
    return _write_damaged
