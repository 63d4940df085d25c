"""Loads a trained recognizer, for everything that only predicts: inferencer, demo and export."""
from pathlib import Path

from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..errors import InputError
from ..models.checkpoint_origin import emotions_of, known_of
from ..models.checkpoints import load_weights, read_checkpoint
from ..models.clip import forget_weights
from .wiring import override


def load_trained(cfg, checkpoint=None, cfg_options=None, known=None, device='cpu'):
    """Build the model of a config with the weights of a checkpoint, in eval mode.

    Args:
        cfg (mmengine.Config): the config, changed in place by ``cfg_options`` and the known
            emotions.
        checkpoint (str | Path, optional): ``.pth`` or ``.safetensors``. Defaults to None: for a
            model that is not trained.
        cfg_options (dict, optional): changes to the config, as ``--cfg-options`` takes them.
            Defaults to None.
        known (Sequence[str], optional): the known emotions, in order. Defaults to None: those of
            the checkpoint, or else of the config.
        device (str): the device of the model. Defaults to ``'cpu'``.

    Returns:
        nn.Module: the model.

    Raises:
        InputError: a checkpoint is needed and missing, or it does not fit the config.
        FileNotFoundError: the checkpoint does not exist.
    """
    init_default_scope('mmaction')
    saved, name = None, f'the checkpoint {checkpoint}'
    if checkpoint is not None:
        saved = read_checkpoint(checkpoint)
        if known is None:
            known = known_of(saved, name)
        content = emotions_of(saved, name)
        if content and 'emotions' not in {*cfg, *(cfg_options or {})}:
            cfg.emotions = content
    elif 'optim_wrapper' in cfg:
        raise InputError(f'{cfg.filename or "this"} is a config of a trained model: name its '
                         'checkpoint')
    override(cfg, cfg_options, known)
    model = MODELS.build(cfg.model)
    forget_weights()
    if saved is not None:
        load_weights(model, saved, name)
    return model.to(device).eval()


def clip_of_run(folder, config=None, cfg_options=None):
    """Find the CLIP of a run.

    Args:
        folder (str | Path): the work dir of the run. A training writes its config there.
        config (str, optional): the path of the config. Defaults to None: the only one in the
            folder.
        cfg_options (dict, optional): changes to the config, see ``wiring.override``. Defaults to
            None.

    Returns:
        dict[str, Any]: the arguments of ``hesp_mmaction.models.prompts.text.CLIPTextTower``.

    Raises:
        InputError: the folder holds no config or several, or the config names no CLIP.
    """
    found = [config] if config else list(Path(folder).glob('*.py'))
    if len(found) != 1:
        raise InputError(f'{folder} holds {len(found)} configs, so its CLIP is not known: name the '
                         'config with --config')
    cfg = Config.fromfile(found[0])
    override(cfg, cfg_options)
    if 'clip' not in cfg:
        raise InputError(f'{found[0]} names no `clip`, so there are no texts to compare with')
    return cfg.clip.to_dict()
