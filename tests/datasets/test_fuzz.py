"""Mutated bytes: list files end in clips, named problems or a clear error; clips in a reason."""
import json
import random
import subprocess
import sys

import numpy as np
import pytest

from hesp_mmaction.apis.guarded import run_guarded
from hesp_mmaction.datasets.clip_loading import ClipDecode, ClipInit
from hesp_mmaction.datasets.decoding import BrokenClip
from hesp_mmaction.datasets.integrity import damage, undecodable, unreadable
from hesp_mmaction.datasets.list_cells import ListedClip
from hesp_mmaction.datasets.list_writing import format_list
from hesp_mmaction.datasets.lists import FORMATS, read_list
from hesp_mmaction.errors import InputError

CLIPS = [ListedClip(f'a b/{i:05d}.mp4', emotion, 10 + i)
         for i, emotion in enumerate(('anger', 'disgust', 'fear', 'happiness') * 3)]
ODD = (b'\0', b'"', b'\r', b'\xff\xfe', b',,', b'\t\t', b' -1 ', b'9' * 5000, b'\xd9\xa3', b'\x1a',
       b'\n\n')  # what parsers trip over
MORE = pytest.param(2000, marks=pytest.mark.slow)


def mutate(content, rng):
    """Some bytes changed, taken out, put in, doubled or cut off."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 8)):
        place = rng.randrange(len(data) + 1)
        kind = rng.choice(['change', 'delete', 'insert', 'double', 'cut', 'odd'])
        if kind == 'change' and place < len(data):
            data[place] = rng.randrange(256)
        elif kind == 'delete':
            del data[place:place + rng.randint(1, 40)]
        elif kind == 'insert':
            data[place:place] = rng.randbytes(rng.randint(1, 40))
        elif kind == 'double':
            data[place:place] = data[place:place + rng.randint(1, 200)]
        elif kind == 'cut' and rng.random() < 0.2:
            del data[place:]
        elif kind == 'odd':  # what parsers trip over
            data[place:place] = rng.choice(ODD)
    return bytes(data)


def list_contents(folder):
    contents = {kind: format_list(CLIPS, kind).encode() for kind in FORMATS
                if kind not in ('xlsx', 'ids', 'frames')}
    contents['ids'] = b''.join(f'{c.path} {i % 4}\n'.encode() for i, c in enumerate(CLIPS))
    openpyxl = pytest.importorskip('openpyxl')
    book = openpyxl.Workbook()
    for clip in CLIPS:
        book.active.append([clip.path.rpartition('/')[2], clip.emotion])
    book.save(folder / 'good.xlsx')
    return contents | {'xlsx': (folder / 'good.xlsx').read_bytes()}


@pytest.mark.parametrize('count', [300, MORE])
def test_mutated_lists(tmp_path, count):
    contents = list_contents(tmp_path)
    rng = random.Random(0)
    ended = dict(clips=0, problems=0, error=0)
    for i in range(count):
        kind = rng.choice(sorted(contents))
        path = tmp_path / f'list{"." + kind if kind == "xlsx" else ".csv" * (kind == "dfew")}'
        path.write_bytes(mutate(contents[kind], rng))
        try:
            clips, problems = read_list(str(path), rng.choice([None, 'hesp', 'dfew']))
        except InputError as error:
            assert path.name in str(error), (i, kind)
            ended['error'] += 1
            continue
        assert all(isinstance(clip, ListedClip) for clip in clips), (i, kind)
        assert all(path.name in problem for problem in problems), (i, kind)
        ended['problems' if problems else 'clips'] += 1
    assert min(ended.values()) > count // 50, ended


def decode(path):
    """What a data set does with a clip: a reason, or its sampled frames."""
    why = unreadable(path)
    if why is None:
        damage(path)
        why = undecodable(path)
    if why is None:
        opened = ClipInit()(dict(filename=path))
        wanted = np.linspace(0, opened['total_frames'] - 1, 8).astype(int)
        try:
            assert len(ClipDecode()(dict(opened, frame_inds=wanted))['imgs']) == 8
        except BrokenClip as error:
            return str(error)
    return why


@pytest.mark.parametrize('count', [pytest.param(40, marks=pytest.mark.ci), MORE])
def test_mutated_clips(tmp_path, write_clip, write_damaged, count):
    from numbered import write  # not there where this file is run as a program

    write_damaged(tmp_path / 'odd')
    frames = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    write_clip(tmp_path / 'good.avi', frames.repeat(8, axis=1).repeat(8, axis=2))
    good = [(tmp_path / 'good.avi').read_bytes(), (tmp_path / 'odd/half.mp4').read_bytes(),
            (tmp_path / 'odd/one.avi').read_bytes(),
            *(write(tmp_path / name, codec, 20).read_bytes() for name, codec in
              (('a.mp4', 'libx264'), ('b.webm', 'libvpx'), ('c.mov', 'libx265')))]
    rng = random.Random(0)
    paths = []
    for i in range(count):
        content = rng.choice(good)
        head = rng.choice([len(content), 400])  # half of them in the headers
        path = tmp_path / f'{i}.avi'
        path.write_bytes(mutate(content[:head], rng) + content[head:])
        paths.append(str(path))
    # In a fresh process, as the tools do: a child of one that has run threads may wait for ever.
    done = subprocess.run([sys.executable, __file__], input=json.dumps(paths), text=True,
                          capture_output=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert not [row for row in found if row[2]]
    assert len(found) == count and 0 < sum(row[1] is None for row in found) < count


if __name__ == '__main__':
    print(json.dumps(list(run_guarded(decode, json.load(sys.stdin), 2, 60))))
