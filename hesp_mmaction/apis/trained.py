"""A trained recognizer for all that only predicts: the inferencer, the demo, the export."""
from mmaction.registry import MODELS
from mmengine.registry import init_default_scope

from ..errors import InputError
from ..models.checkpoints import emotions_of, known_of, load_weights, read_checkpoint
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
