"""A GPU is not waited for in the middle of a batch: proved without one.

Tensors on PyTorch's 'meta' device have no values. Whatever reads one (``if``, ``int``, ``tolist``,
a mask as an index), and whatever mixes them with tensors of the CPU, raises an error.
"""
import pytest
import torch
from leaves import CONFIGS, Looks, build, samples
from mmengine.config import Config

NO_STEP = 'zero-shot CLIP has nothing to train'
# One leaf for each method; those of other backbones, which take seconds to build, are left out.
SLOW = 'slowonly', 'tsn', 'swin', 'former', 'm3dfel', 'open_set_fer'
DEFAULT = 'hesp_afew', 'hesp_official', 'coop', 'cliper', 'cssr', 'clip_arpl'
LEAVES = sorted(path.name for path in CONFIGS.glob('*_afew_o34.py')
                if not any(part in path.name for part in SLOW))


@pytest.fixture(params=[
    name if name.startswith(DEFAULT) else pytest.param(name, marks=pytest.mark.ci)
    for name in LEAVES])
def model(request, clips):
    cfg = Config.fromfile(CONFIGS / request.param)
    clip = dict(arch=clips['vit']['arch'], pretrained=None) if 'clip' in cfg else None
    model = build(request.param, clip, image_size=32)[0]
    if decided_window(model):
        model.visual_prompt.window.fill_(3)
    return model


def decided_window(model):
    """Whether the window is that of the data set, which is read once when it has changed."""
    prompt = getattr(model, 'visual_prompt', None)
    return prompt is not None and prompt.region == 'dataset'


def test_a_step_reads_nothing_from_the_device(model):
    if decided_window(model):
        pytest.skip('reads its window in the first step')
    model.to('meta').train()
    x = torch.empty(3, 8, 3, 32, 32, device='meta')
    try:
        losses = model(x, samples(3), mode='loss')
    except ValueError as error:
        assert NO_STEP in str(error)
        return
    assert {value.device.type for value in losses.values()} == {'meta'}
    sum(value for key, value in losses.items() if 'loss' in key).backward()


def test_an_evaluation_looks_at_weights_once_a_batch(model):
    x = torch.randint(0, 256, (3, 8, 3, 32, 32)).float()
    model.eval()
    with torch.no_grad():
        model(x, samples(3), mode='predict')  # fills what is computed once
        with Looks() as looks:
            model(x, samples(3), mode='predict')
    assert looks.found in ([], ['aten.equal.default'])
