"""Checkpoints that a crash cannot break."""
import os
from collections import deque

from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook

from ...files import settle, whole


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, except for the order of its steps.

    mmengine deletes the old checkpoint, then writes the new one in place, so that a process killed
    in between leaves nothing to resume from. Here the new checkpoint is written beside its place
    and moved there whole. Then ``last_checkpoint`` names it, and only then the old one is deleted.
    This works for local files. Use mmengine's own hook for the checkpoint folders of DeepSpeed.
    """

    def _save_checkpoint_with_step(self, runner, step, meta):
        name = self.filename_tmpl.format(step)
        gone = []
        if self.max_keep_ckpts > 0:
            kept = [other for other in self.keep_ckpt_ids if other != step] + [step]
            gone, kept = kept[:-self.max_keep_ckpts], kept[-self.max_keep_ckpts:]
            self.keep_ckpt_ids = deque(kept)
            runner.message_hub.update_info('keep_ckpt_ids', kept)
        self.last_ckpt = os.path.join(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir, f'{name}.part', save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler, meta=meta, by_epoch=self.by_epoch,
            **self.args)
        if not is_main_process():
            return
        settle(f'{self.last_ckpt}.part', self.last_ckpt)
        with whole(os.path.join(runner.work_dir, 'last_checkpoint')) as file:
            file.write(self.last_ckpt)
        for old in gone:
            path = os.path.join(self.out_dir, self.filename_tmpl.format(old))
            if os.path.exists(path):
                os.remove(path)
