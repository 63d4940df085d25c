"""Two trainings in one run: the second begins where the first began, and in the right epoch."""
from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from torch import nn

from hesp_mmaction.apis.running import parser, read_config, run
from hesp_mmaction.engine.hooks import PseudoLabelHook


def test_running_statistics_and_the_loss_scale_go_back_too(monkeypatch):
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)).train()
    model.cls_head = SimpleNamespace(known=('anger', 'fear'), pseudo_labels={})
    scaler = torch.amp.GradScaler('cpu', init_scale=8.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    runner = SimpleNamespace(model=model, epoch=0, max_epochs=2, hooks=[], optim_wrapper=(
        SimpleNamespace(optimizer=optimizer, loss_scaler=scaler)))
    hook = PseudoLabelHook()
    monkeypatch.setattr(PseudoLabelHook, '_predict', staticmethod(lambda runner: {'a.avi': 1}))
    monkeypatch.setattr(PseudoLabelHook, '_use_test_samples', staticmethod(lambda runner: None))
    start = {name: value.clone() for name, value in model.state_dict().items()}
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    model(torch.randn(8, 3)).square().sum().backward()
    optimizer.step()
    scaler.scale(torch.ones(()))  # makes its scale a tensor
    scaler.update(2.0)
    assert not torch.equal(model[1].running_var, start['1.running_var'])
    saved = {}
    hook.before_save_checkpoint(runner, saved)
    resumed = PseudoLabelHook()
    resumed.after_load_checkpoint(runner, saved)
    for each in (resumed, hook):
        with torch.no_grad():
            for value in model.state_dict().values():
                value.add_(1)
        runner.epoch = 1
        each.before_train_epoch(runner)
        for name, value in model.state_dict().items():
            assert torch.equal(value, start[name]), name
        assert scaler.get_scale() == 8.0 and not optimizer.state


class Epochs(Hook):
    """Notes which epoch the training data think it is, and what they are asked for."""
    priority = 'LOWEST'
    seen = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        dataset = runner.train_dataloader.dataset
        self.seen.append((runner.epoch, int(dataset.epoch), dataset.part, dataset.seed))


@pytest.mark.slow
def test_the_test_samples_are_seen_as_of_the_epoch_that_runs(tiny_options, tmp_path, monkeypatch):
    monkeypatch.setitem(HOOKS.module_dict, 'Epochs', Epochs)
    monkeypatch.setattr(Epochs, 'seen', [])
    args = parser('').parse_args(['configs/open_set_fer_afew_o34.py', '--work-dir', str(tmp_path),
                                  '--seed', '5'])
    args.cfg_options = tiny_options | {'train_cfg.max_epochs': 4, 'train_dataloader.batch_size': 16}
    cfg = read_config(args)
    cfg.custom_hooks.append(dict(type='Epochs'))
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    run(cfg, lambda runner: runner.train())
    assert Epochs.seen == [(0, 0, 'train', 5), (1, 1, 'train', 5), (2, 2, 'test', 5),
                           (3, 3, 'test', 5)]
