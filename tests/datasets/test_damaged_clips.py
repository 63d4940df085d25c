"""Damaged clips: named with the reason, left out the same way by everybody, never fatal."""
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from hesp_mmaction.apis.guarded import run_guarded
from hesp_mmaction.datasets import AFEWDataset
from hesp_mmaction.datasets.clip_loading import ClipDecode, ClipInit
from hesp_mmaction.datasets.emotions import UNDECODABLE
from hesp_mmaction.datasets.integrity import damage, undecodable, unreadable
from hesp_mmaction.errors import InputError

CONFIG = Path(__file__).parents[2] / 'configs/hesp_afew_o34.py'


@pytest.fixture(scope='module')
def check(tool_module):
    return tool_module('data/check_data.py')


@pytest.fixture(scope='module')
def damaged(tiny_afew, tmp_path_factory, write_damaged):
    """tiny_afew with ten odd clips in both parts; gives the folder and the reasons."""
    root = shutil.copytree(tiny_afew, tmp_path_factory.mktemp('damaged') / 'afew')
    reasons = {}
    for part in ('Train_AFEW', 'Val_AFEW'):
        found = write_damaged(root / part / 'Fear')
        reasons |= {str(root / part / 'Fear' / name): why for name, why in found.items()}
    return root, reasons


def test_every_damaged_clip_is_named_with_its_reason(check, damaged, capsys):
    root, reasons = damaged
    cfg = Config.fromfile(CONFIG)
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[loader].dataset.data_root = str(root)
    paths = sorted(check.clips_of_config(cfg).values())
    assert len(paths) == 28 + 20  # all emotions, both parts
    assert paths == check.files_below(root)[0]
    found = check.find_damaged(paths)
    assert found.keys() == reasons.keys()
    assert all(found[path].startswith(why) for path, why in reasons.items()), found
    assert 'clip' in capsys.readouterr().err  # the bar


def test_the_command_lists_them_and_says_so_in_its_exit_code(check, damaged, tmp_path, monkeypatch,
                                                             capsys):
    root, reasons = damaged
    out = tmp_path / 'bad.txt'
    arguments = ['check_data.py', '--data-root', str(root), '--out', str(out)]
    monkeypatch.setattr('sys.argv', arguments)
    with pytest.raises(SystemExit) as stop:
        check.main()
    assert stop.value.code == 1
    lines = out.read_text().splitlines()
    assert [line.split('\t')[0] for line in lines] == sorted(reasons)
    said = capsys.readouterr().out
    assert '16 of 48 clips are damaged, 4 are whole but odd' in said
    assert f'{root}/Val_AFEW/Fear/one.avi\tonly one frame (whole)' in said
    assert f'{root}/Train_AFEW/Fear/odd.avi\tframes of an odd size, 47 x 33 (whole)' in said
    monkeypatch.setattr('sys.argv', [*arguments[:2], str(root / 'Val_AFEW/Sad')])
    with pytest.raises(SystemExit) as stop:
        check.main()
    assert stop.value.code == 0
    with pytest.raises(InputError, match='no folder'):
        check.files_below(tmp_path / 'nowhere')


def test_a_frame_cut_in_half_is_named(tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(
        tmp_path / '1.jpg')
    assert damage(str(tmp_path)) is None
    content = (tmp_path / '1.jpg').read_bytes()
    (tmp_path / '2.jpg').write_bytes(content[:len(content) // 2])
    assert damage(str(tmp_path)).startswith('2.jpg: ')
    assert unreadable(str(tmp_path)) is None


def trouble_maker(item):
    if item == 'crash':
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 'hang':
        time.sleep(60)
    if item == 'error':
        raise ValueError('wrong')
    return item * 2


def test_a_crash_or_a_hang_costs_one_item():
    items = ['a', 'crash', 'b', 'hang', 'error', 'c', 'd']
    start = time.monotonic()
    found = {item: (result, trouble)
             for item, result, trouble in run_guarded(trouble_maker, items, 2, timeout=2)}
    assert time.monotonic() - start < 30
    assert {item: result for item, (result, _) in found.items() if result} == {
        item: item * 2 for item in 'abcd'}
    assert 'crashed (exit code -9)' in found['crash'][1]
    assert found['hang'][1] == 'not done after 2 s'
    assert found['error'][1] == 'ValueError: wrong'
    assert len(found) == len(items)


def read_eight(info):
    info = ClipInit()(info)
    wanted = ((np.arange(8) + 0.5) * info['total_frames'] / 8).astype(int)
    return ClipDecode()(dict(info, frame_inds=wanted))


@pytest.mark.parametrize('attempt', range(5))
def test_a_test_leaves_out_the_same_clips_every_time(damaged, attempt):
    """Also a clip whose sampled frames can be read or not, as luck has it."""
    root, reasons = damaged
    data = AFEWDataset(str(root), known=['happy', 'anger', 'sad'], part='test',
                       pipeline=[read_eight])
    samples = [data[i] for i in range(len(data))]
    marked = {s['sample_id'] for s in samples if s['emotion'] == UNDECODABLE}
    later = ('blank.avi', 'half.avi', 'luck.avi')
    assert marked == {f'Val_AFEW/Fear/{name}' for name in later}
    ids = [s['sample_id'] for s in samples]
    assert len(set(ids)) == len(ids) == 14 + 5  # one.avi and odd.avi too
    assert {os.path.basename(path) for path in reasons if not unreadable(path)} == {*later}
    assert undecodable(str(root / 'Val_AFEW/Fear/odd.avi')) is None


def test_a_test_clip_is_decoded_whole_once(damaged, monkeypatch):
    looked = []
    monkeypatch.setattr('hesp_mmaction.datasets.stored_clips.undecodable', looked.append)
    data = AFEWDataset(str(damaged[0]), known=['happy', 'anger', 'sad'], part='test', pipeline=[])
    assert data[0] and data[0] and len(looked) == 1
    train = AFEWDataset(str(damaged[0]), known=['happy', 'anger', 'sad'], part='train', pipeline=[])
    assert train[0] and len(looked) == 1


def test_a_clip_that_is_cut_off_does_not_crash_the_process(tmp_path, write_damaged):
    write_damaged(tmp_path)

    def often(path):
        for _ in range(100):
            try:
                read_eight(dict(filename=path))
            except RuntimeError:
                pass
        return 'done'
    paths = [str(tmp_path / name) for name in ('half.avi', 'header.avi', 'luck.avi')]
    assert {result for _, result, _ in run_guarded(often, paths, 1, timeout=60)} == {'done'}
