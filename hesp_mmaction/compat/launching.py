"""Starts processes and wraps models and optimizers, on GPUs and on a machine without one."""
import gc
import os
import warnings


def _on_cpu():
    """Whether mmengine will put the model on the CPU."""
    from mmengine.device import get_device
    return get_device() == 'cpu'


def init_dist(launcher):
    """Join the processes that a launcher started, before ``Runner`` does.

    Without an accelerator mmengine stops, because it always calls ``torch.cuda.set_device``;
    so here the group is started with gloo and that one call left out, and ``Runner`` then skips
    its own start. With an accelerator, or without a launcher, nothing is done.

    Args:
        launcher (str): ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
    """
    import torch
    import torch.multiprocessing as mp
    from mmengine import dist
    if launcher == 'none' or dist.is_distributed() or not _on_cpu():
        return
    set_device, start_method = torch.cuda.set_device, mp.get_start_method(allow_none=True)
    torch.cuda.set_device = lambda device: None
    try:
        dist.init_dist(launcher, backend='gloo')
    finally:
        torch.cuda.set_device = set_device
        mp.set_start_method(start_method, force=True)  # the config's choice, not mmengine's


def is_first():
    """Whether this is the main process of a run, also before the processes have joined.

    On GPUs they join when ``Runner`` is built; until then mmengine takes each for the main one.

    Returns:
        bool: the group's word, or that of the launcher's variables (torchrun, Open MPI, slurm).
    """
    from mmengine import dist
    if dist.is_distributed():
        return dist.is_main_process()
    ranks = (os.environ.get(name) for name in ('RANK', 'OMPI_COMM_WORLD_RANK', 'SLURM_PROCID'))
    return next(filter(None, ranks), '0') == '0'


def end_dist():
    """Leave the group of processes, once all of them are here and no model holds it any more.

    A wrapped model that is still alive keeps gloo's threads running, and those may abort Python
    while it ends. Without a group nothing is done.
    """
    import torch.distributed as dist
    if dist.is_available() and dist.is_initialized():
        gc.collect()
        dist.barrier()
        dist.destroy_process_group()


def ddp_wrapper_cfg():
    """The ``model_wrapper_cfg`` that lets ``Runner`` wrap a model on CPUs as well as on GPUs.

    ``Runner`` adds the process's own GPU as ``device_ids`` where the config has none, which
    DistributedDataParallel refuses for a model on the CPU.

    Returns:
        dict: the setting.
    """
    cfg = dict(type='MMDistributedDataParallel', broadcast_buffers=False,
               find_unused_parameters=False)
    if _on_cpu():
        cfg['device_ids'] = None
    return cfg


def optim_wrapper_cfg(optim_wrapper, amp):
    """The ``optim_wrapper`` of a config with or without mixed precision.

    ``--amp`` computes the backbone in bfloat16 where there is any, which needs no wrapper of its
    own. float16, on GPUs without bfloat16, needs one that scales the loss.

    Args:
        optim_wrapper (dict): The config's own.
        amp (bool): Whether ``--amp`` was given. A config that asks for ``AmpOptimWrapper`` by
            itself keeps it.

    Returns:
        dict: A copy with the right type. On the CPU, where ``AmpOptimWrapper`` stops with an
        assertion, it is always ``OptimWrapper``.

    Raises:
        ValueError: ``amp`` with a wrapper that is neither of the two.
    """
    cfg = optim_wrapper.copy()
    kind = cfg.get('type', 'OptimWrapper')
    if not amp and kind != 'AmpOptimWrapper':
        return cfg
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(f'--amp cannot be used with the optimizer wrapper {kind!r}; leave --amp '
                         "out or set optim_wrapper.type='OptimWrapper'.")
    if _on_cpu():
        if not amp:
            warnings.warn('AmpOptimWrapper needs an accelerator and there is none, so training '
                          'goes on in full precision; --amp computes in bfloat16 on CPUs, too.',
                          stacklevel=2)
        for key in ('loss_scale', 'dtype', 'use_fsdp'):
            cfg.pop(key, None)
        cfg['type'] = 'OptimWrapper'
    elif kind == 'AmpOptimWrapper' or not _has_bfloat16():
        cfg['type'] = 'AmpOptimWrapper'
        cfg.setdefault('loss_scale', 'dynamic')
        if amp:
            cfg.setdefault('dtype', 'bfloat16' if _has_bfloat16() else 'float16')
    return cfg


def _has_bfloat16():
    """Whether the accelerator of this process computes in bfloat16."""
    import torch
    from mmengine.device import get_device

    from ..models.precision import compute_type
    return compute_type(get_device()) == torch.bfloat16
