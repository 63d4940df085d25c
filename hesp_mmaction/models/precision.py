"""Mixed precision: what is computed in half precision, and what is not.

Half precision is for the backbone alone. Necks, heads, losses and the activation map that decides
the region are computed in float32, in training as in evaluation.
"""
import copy
import logging
from contextlib import nullcontext

import torch
from mmengine.logging import print_log
from open_clip.transformer import QuickGELU, ResidualAttentionBlock
from torch import nn

HALF = (torch.float16, torch.bfloat16)


def in_float32(x):
    """Switch autocast off on the device of a tensor while a block runs.

    Args:
        x (Tensor): any.

    Returns:
        ContextManager: for a ``with`` statement.
    """
    kind = x.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()  # without autocast, a trace should see nothing


def at_least_float32(x):
    """Half-precision tensors as float32, others as they are.

    Args:
        x (Tensor | tuple | list): tensors of any shape, also in a tuple or a list.

    Returns:
        Tensor | tuple: of the same shapes.
    """
    if isinstance(x, (tuple, list)):
        return tuple(at_least_float32(part) for part in x)
    return x.float() if x.dtype in HALF else x


def compute_type(device):
    """Choose the type of mixed precision on a device: bfloat16 if its hardware supports it.

    Args:
        device (torch.device | str): ``'cpu'``, ``'cuda'`` or such.

    Returns:
        torch.dtype: ``bfloat16`` on CPUs and on GPUs that support it, ``float16`` on other GPUs.
    """
    old = torch.device(device).type == 'cuda' and not torch.cuda.is_bf16_supported(False)
    return torch.float16 if old else torch.bfloat16


def half_copy(module, dtype):
    """A copy of a frozen module of open_clip's parts with its weights in half precision.

    LayerNorms follow PyTorch: weights and results in half precision, the sums between in float32.
    QuickGELU, x sigmoid(1.702 x), becomes SiLU. The factor 1.702 goes into the matrices around it
    before they are rounded, so it costs nothing.

    Args:
        module (nn.Module): its learned parameters, if any, are shared with the copy.
        dtype (torch.dtype): ``float16`` or ``bfloat16``.

    Returns:
        nn.Module: the copy.
    """
    shared = [p for p in module.parameters() if p.requires_grad]
    shared.append(getattr(module, 'tokenizer', None))  # large, and computes nothing
    twin = copy.deepcopy(module, {id(value): value for value in shared})
    for part in twin.modules():
        if isinstance(part, ResidualAttentionBlock):
            _fold_quick_gelu(part.mlp)
    for weight in (*twin.parameters(), *twin.buffers()):
        if weight.is_floating_point() and not weight.requires_grad:
            weight.data = weight.data.to(dtype)
    return twin


@torch.no_grad()
def _fold_quick_gelu(mlp):
    if isinstance(mlp.gelu, QuickGELU):
        mlp.c_fc.weight.mul_(1.702)
        mlp.c_fc.bias.mul_(1.702)
        mlp.c_proj.weight.div_(1.702)
        mlp.gelu = nn.SiLU()


def under_autocast(module, dtype):
    """Run a module that is trained under autocast, with float32 results.

    Args:
        module (nn.Module): such as a backbone; changed in place.
        dtype (torch.dtype): ``float16`` or ``bfloat16``.
    """
    if getattr(module, 'autocast_dtype', None) == dtype:
        return
    module.autocast_dtype, entered = dtype, []

    def enter(module, inputs):
        entered.append(torch.autocast(inputs[0].device.type, dtype=dtype))
        entered[-1].__enter__()

    def leave(module, inputs, outputs):
        entered.pop().__exit__(None, None, None)
        return None if outputs is None else at_least_float32(outputs)

    module.register_forward_pre_hook(enter)
    module.register_forward_hook(leave, always_call=True)  # after an error, too


def compiled(function):
    """A function of tensors through ``torch.compile``, one program for each shape.

    Args:
        function (Callable): such as the forward pass of a frozen tower.

    Returns:
        Callable: the same function. If it cannot be compiled it runs without, with a warning.
    """
    from torch._dynamo.exc import TorchDynamoException  # imported here because it takes a second

    def program():
        def own(*inputs):
            return function(*inputs)
        # PyTorch keeps eight programs of a code object. The towers of all models share the code of
        # `forward`: the second model of a process would run without.
        own.__code__ = own.__code__.replace()
        return torch.compile(own, dynamic=False)
    fast = {with_gradient: program() for with_gradient in (False, True)}

    def run(*inputs):
        if fast:
            try:
                return fast[torch.is_grad_enabled()](*inputs)
            except TorchDynamoException as error:
                fast.clear()
                reason = str(error).strip().partition('\n')[0]
                print_log(f'the image tower runs without torch.compile, which fails: {reason}',
                          'current', logging.WARNING)
        return function(*inputs)
    return run
