"""A process killed while it saves leaves the checkpoint before, whole and named."""
from types import SimpleNamespace

import pytest
import torch

from hesp_mmaction.engine import AtomicCheckpointHook


class Killed(BaseException):
    pass


def make(folder, max_keep=1, die_at=None):
    """A hook ready to save, and a runner whose write of epoch ``die_at`` stops half way."""
    saved = []

    def save_checkpoint(out_dir, filename, **kwargs):
        path = folder / filename
        if len(saved) + 1 == die_at:
            path.write_bytes(b'half')
            raise Killed
        torch.save(dict(epoch=len(saved) + 1), path)
        saved.append(filename)

    hub = SimpleNamespace(runtime_info={}, update_info=lambda *a, **k: None)
    runner = SimpleNamespace(work_dir=str(folder), message_hub=hub, save_checkpoint=save_checkpoint)
    hook = AtomicCheckpointHook(interval=1, max_keep_ckpts=max_keep)
    hook.out_dir, hook.filename_tmpl = str(folder), 'epoch_{}.pth'
    hook.keep_ckpt_ids = []
    return hook, runner


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_only_the_last_ones_are_kept_and_the_last_is_named(tmp_path):
    hook, runner = make(tmp_path, max_keep=2)
    for epoch in range(1, 5):
        hook._save_checkpoint_with_step(runner, epoch, {})
    assert names(tmp_path) == ['epoch_3.pth', 'epoch_4.pth', 'last_checkpoint']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_4.pth')


def test_all_are_kept_without_a_limit(tmp_path):
    hook, runner = make(tmp_path, max_keep=-1)
    for epoch in (1, 2, 3):
        hook._save_checkpoint_with_step(runner, epoch, {})
    assert len(names(tmp_path)) == 4


def test_death_while_writing_leaves_the_checkpoint_before(tmp_path):
    hook, runner = make(tmp_path, die_at=2)
    hook._save_checkpoint_with_step(runner, 1, {})
    with pytest.raises(Killed):
        hook._save_checkpoint_with_step(runner, 2, {})
    last = (tmp_path / 'last_checkpoint').read_text()
    assert torch.load(last, weights_only=True) == dict(epoch=1)
    assert 'epoch_2.pth' not in names(tmp_path)
