"""A trained recognizer for all that only predicts: the inferencer, the demo, the export."""
from pathlib import Path

from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ..errors import InputError
from ..models.checkpoints import known_of, load_weights, read_checkpoint
from ..models.clip import forget_weights
from .wiring import override


def load_trained(cfg, checkpoint=None, cfg_options=None, known=None, device='cpu'):
    """The model of a config with the weights of a checkpoint, in eval mode.

    Args:
        cfg (mmengine.Config): changed in place to ``cfg_options`` and the known emotions.
        checkpoint (str | Path, optional): ``.pth`` or ``.safetensors``; None for a model that is
            not trained.
        cfg_options (dict, optional): as of ``--cfg-options``.
        known (Sequence[str], optional): the known emotions, in order. Defaults to those of the
            checkpoint, or of the config where that does not say.
        device (str): where the model is put. Defaults to ``'cpu'``.

    Returns:
        nn.Module

    Raises:
        InputError: the config is one of a trained model and no checkpoint is named, or they do not
            belong together.
        FileNotFoundError: there is no such checkpoint.
    """
    init_default_scope('mmaction')
    saved, name = None, f'the checkpoint {checkpoint}'
    if checkpoint is not None:
        saved = read_checkpoint(checkpoint)
        if known is None:
            known = known_of(saved, name)
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
    """The CLIP of a run.

    Args:
        folder (str | Path): work dir of the run, in which a training leaves its config.
        config (str, optional): path of the config. Defaults to the only one in the folder.
        cfg_options (Mapping[str, Any], optional): changes to it, see
            :func:`.wiring.override`.

    Returns:
        dict[str, Any]: arguments of :class:`~hesp_mmaction.models.prompts.text.CLIPTextTower`.

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
