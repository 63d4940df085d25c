"""What hooks share: the model of a run, its data sets, its loaders, its precision."""
import copy

import torch
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ...datasets.wrappers import leaf_configs, leaves, pipeline_of
from ...models.backbones import CLIPImageTower
from ...models.eval_cache import caches_of
from ...models.frozen import FrozenTower
from ...models.precision import compute_type, under_autocast
from ..lasting_workers import outlast_sigterm


def unwrap(model):
    """Take the recognizer out of a distributed wrapper.

    Args:
        model (nn.Module): the wrapper, or the recognizer itself.

    Returns:
        nn.Module: the recognizer.
    """
    return model.module if is_model_wrapper(model) else model


def tell(dataset, seed=None, epoch=None):
    """Tell a data set, through wrappers, the seed of the run and the epoch that begins.

    Args:
        dataset (Dataset): the data set of a loader.
        seed (int, optional): seed of the random transforms. Defaults to None: unchanged.
        epoch (int, optional): the epoch, from 0. Defaults to None: unchanged.
    """
    for leaf in leaves(dataset):
        if seed is not None:
            leaf.seed = seed
        if epoch is not None and hasattr(leaf, 'set_epoch'):
            leaf.set_epoch(epoch)


def plain_training_loader(cfg):
    """Build a loader of the known training samples through the test pipeline, each once, in order.

    Args:
        cfg (mmengine.Config): config of the run; its training data may be wrapped.

    Returns:
        DataLoader: yields this process's share of the samples.
    """
    loader = copy.deepcopy(cfg.train_dataloader)
    datasets = leaf_configs(loader.dataset)  # without the wrappers that repeat samples
    for dataset in datasets:
        dataset.update(pipeline=pipeline_of(cfg.test_dataloader.dataset), test_mode=True)
    loader.dataset = datasets[0] if len(datasets) == 1 else dict(type='ConcatDataset',
                                                                 datasets=datasets)
    loader.pop('batch_sampler', None)
    loader.persistent_workers = False
    loader.sampler = dict(type='DefaultSampler', shuffle=False, round_up=False)
    return outlast_sigterm(Runner.build_dataloader(loader, seed=0))


def set_precision(model, tf32=True, amp=False, compile=False):
    """Set the types in which a model is computed; its weights and checkpoints stay as they are.

    Args:
        model (nn.Module): a recognizer with a ``backbone``, on the device where it stays.
        tf32 (bool): matrices and convolutions in float32 are multiplied as TF32, on GPUs that have
            it. Defaults to True.
        amp (bool): mixed precision. The backbone and frozen text towers compute in
            ``compute_type``, all else in float32. Defaults to False.
        compile (bool): the frozen image tower is compiled. Defaults to False.

    Returns:
        str: what was set, for a log; empty if all is plain float32.
    """
    device, said = next(model.parameters()).device, []
    if device.type == 'cuda':
        torch.set_float32_matmul_precision('high' if tf32 else 'highest')
        torch.backends.cudnn.allow_tf32 = tf32
        said.append('float32 is multiplied ' + ('as TF32' if tf32 else 'in full'))
    towers = [module for module in model.modules()
              if isinstance(module, FrozenTower) and module.frozen]
    if amp:
        dtype = compute_type(device)
        for tower in towers:
            tower.compute_dtype = dtype
        if model.backbone not in towers:
            under_autocast(model.backbone, dtype)
        said.append(f'backbone and text tower in {str(dtype).removeprefix("torch.")}, all else in '
                    'float32')
    if compile:
        found = [tower for tower in towers if isinstance(tower, CLIPImageTower)]
        for tower in found:
            tower.compiled = True
        said.append('image tower compiled' if found else 'no frozen image tower to compile')
    for cache in caches_of(model):  # texts of another type
        cache.forget()
    return '; '.join(said)
