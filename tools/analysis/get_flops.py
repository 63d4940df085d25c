"""Count the operations and the parameters of a config's model.

    python tools/analysis/get_flops.py CONFIG [--cfg-options image_size=96 num_frames=16]

Counted are the floating-point operations of matrix products, convolutions and attention for one
test clip, with the search for the region of the prompt. A multiplication and an addition count as
two. (MMAction2's tool uses mmengine's tracer, which counts them as one and cannot follow the
gradient in the search.) Negatives and learned texts depend on no clip. They are computed once per
run and counted apart.
"""
import argparse

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from hesp_mmaction.apis.configs import KeyValue, config_word
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.models.recognizers import PromptedRecognizer


class CountFlops(TorchDispatchMode):
    """Sums torch's own formulas over all operations, backward passes too.

    (torch's FlopCounterMode also keeps a tree of modules, and refuses gradients of inner tensors.)
    """

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket in flop_registry:
            self.total += flop_registry[func._overloadpacket](*args, **(kwargs or {}), out_val=out)
        return out


def count_flops(model, clip):
    """Count the operations of a prediction.

    Args:
        model (BaseRecognizer): the model, in eval mode.
        clip (Tensor): (1, T, 3, S, S), or (1, 1, 3, T, S, S) for a model of MMAction2, pixels
            0..255.

    Returns:
        int: floating-point operations.
    """
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), CountFlops() as counter:
        model.predict(clip, [ActionDataSample()])
    return counter.total


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=config_word, help='config file, or the name of one of ours')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue, help='overrides')
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options)
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    size, frames = cfg.image_size, cfg.num_frames
    if isinstance(model, PromptedRecognizer):
        shape = 1, frames, 3, size, size
    else:  # MMAction2's own, on clips
        shape = 1, 1, 3, frames, size, size
    clip = 255 * torch.rand(shape)
    first, later = count_flops(model, clip), count_flops(model, clip)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    print(f'input       {shape}\nper clip    {later / 1e9:.2f} GFLOPs\n'
          f'once        {(first - later) / 1e9:.2f} GFLOPs\n'
          f'parameters  {trainable:,} trainable, {frozen:,} frozen')


if __name__ == '__main__':
    run_tool(main)
