"""Running statistics of normalisation layers: what may change them, and how they are copied."""
from contextlib import contextmanager

from torch.nn.modules.batchnorm import _NormBase  # base of batch, synchronised and instance norms


def norm_layers(module):
    """The layers of a module that learn running statistics.

    Args:
        module (nn.Module): any.

    Returns:
        dict[str, nn.Module]: name to layer.
    """
    return {name: layer for name, layer in module.named_modules()
            if isinstance(layer, _NormBase) and layer.running_mean is not None}


def running_statistics(module):
    """The buffers of ``norm_layers``.

    Args:
        module (nn.Module): any.

    Returns:
        dict[str, Tensor]: name of the buffer in ``module.state_dict()`` to the buffer itself.
    """
    return {f'{name}.{key}' if name else key: value
            for name, layer in norm_layers(module).items()
            for key, value in layer.named_buffers(recurse=False)}


@contextmanager
def as_in_evaluation(module):
    """Let norm layers use their running statistics, unchanged, while a block runs.

    Everything else (dropout, for example) stays in the mode it is in. Gradients flow.

    Args:
        module (nn.Module): any.

    Yields:
        None: the block runs.
    """
    layers = [layer for layer in norm_layers(module).values() if layer.training]
    for layer in layers:
        layer.training = False
    try:
        yield
    finally:
        for layer in layers:
            layer.training = True


@contextmanager
def statistics_kept(module):
    """Keep the running statistics of norm layers unchanged while a block runs.

    In training mode the layers still normalise by the batch.

    Args:
        module (nn.Module): any.

    Yields:
        None: the block runs.
    """
    layers = [layer for layer in norm_layers(module).values() if layer.track_running_stats]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True
