"""What tests of config leaves share: build one small, step once, save and load, predict."""
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.utils._python_dispatch import TorchDispatchMode

from hesp_mmaction.apis.wiring import override

CONFIGS = Path(__file__).parents[2] / 'configs'
KNOWN = ['anger', 'fear', 'happiness']


def build(name, clip=None, **options):
    """The model of a leaf, with a tiny CLIP where it has one; options as of --cfg-options."""
    cfg = Config.fromfile(CONFIGS / name)
    if clip is not None:
        options |= {'clip.arch': clip['arch'], 'clip.pretrained': clip['pretrained']}
    override(cfg, options, known=KNOWN)
    init_default_scope('mmaction')
    torch.manual_seed(0)
    return MODELS.build(cfg.model), cfg


def samples(count):
    return [ActionDataSample(metainfo=dict(sample_id=f'{i}.avi')).set_gt_label(i % 3)
            for i in range(count)]


def step(model, size, frames=8, count=3, seed=0):
    """One training step: losses as floats, and the names of the parameters with a gradient."""
    generator = torch.Generator().manual_seed(seed)
    clips = torch.randint(0, 256, (count, frames, 3, size, size), generator=generator).float()
    losses = model.train()(clips, samples(count), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(torch.isfinite(v) for v in losses.values()), losses
    trained = {name for name, p in model.named_parameters()
               if p.grad is not None and p.grad.abs().sum() > 0}
    return {k: float(v.detach()) for k, v in losses.items()}, trained


def same_after_loading(model, name, size, clip=None, frames=8, **options):
    """A model of the same leaf with the saved weights predicts the same; gives the saved keys."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.01 * torch.randn_like(parameter)
    saved = model.state_dict()
    torch.manual_seed(1)
    other, _ = build(name, clip, **options)
    other.load_state_dict(saved)
    clips = torch.randint(0, 256, (3, frames, 3, size, size)).float()
    found = []
    with torch.no_grad():
        for each in (model.eval(), other.eval()):
            found.append(torch.stack([
                torch.cat([s.logits, s.pred_knownness]) for s in each(clips, samples(3),
                                                                       mode='predict')]))
    torch.testing.assert_close(*found, rtol=0, atol=0)
    return set(saved)


class Looks(TorchDispatchMode):
    """Counts what a GPU would be waited for."""
    NAMES = ('_local_scalar_dense', 'nonzero', 'equal', 'is_nonzero')

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in self.NAMES:
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))
