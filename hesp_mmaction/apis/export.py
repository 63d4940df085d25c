"""A trained recognizer as one ONNX file that includes prompts, texts and normalisation."""
import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from packaging.version import Version
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..datasets.wrappers import pipeline_of
from ..errors import InputError
from ..files import whole
from ..models.eval_cache import caches_of, caches_trusted
from ..models.recognizers import PromptedRecognizer
from .onnx_gradients import DECOMPOSITIONS
from .trained import load_trained
from .wiring import override

OLDEST_RUNTIME = '1.18.1'  # of ONNX Runtime: it reads IR version 10
OUTPUTS = ('logits', 'logits_known', 'score', 'probabilities')
# What the runtime example does between a file and the frames.
PLAIN_STEPS = ('ClipInit', 'SampleFrames', 'ClipDecode', 'Resize', 'FormatShape',
               'PackActionInputs')


# --------------------------------------------------------------------------------- the forward pass
def forward(model, frames):
    """Compute what a recognizer's ``predict`` computes, as plain tensors.

    Args:
        model (PromptedRecognizer): in eval mode.
        frames (Tensor): (B, T, 3, S, S), pixels 0..255.

    Returns:
        dict[str, Tensor]: ``logits``, ``logits_known`` and ``probabilities`` (B, K); ``score``
        (B,); and, if the visual prompt has a window, ``region`` (B, 2), its top and left pixel.
    """
    feats, kwargs = model.extract_feat(frames, test_mode=True)
    head = model.cls_head
    outputs = head(head.pool(feats, len(frames)), **kwargs)
    outputs['score'] = head.score(outputs)
    found = {name: outputs[name] for name in OUTPUTS}
    if 'region' in kwargs:
        found['region'] = kwargs['region']
    return found


def has_region(model):
    """Tell whether the visual prompt of a model acts in a window. A border does not.

    Args:
        model (PromptedRecognizer): the model.

    Returns:
        bool: True for a window.
    """
    prompt = getattr(model, 'visual_prompt', None)
    return prompt is not None and prompt.has_window


def check_model(model):
    """Refuse a model that cannot be one ONNX file.

    Args:
        model (nn.Module): the model.

    Raises:
        InputError: the model is not a recognizer of this package, or its windows are drawn at
            random.
    """
    if not isinstance(model, PromptedRecognizer):
        raise InputError(f'{type(model).__name__} cannot be exported, only PromptedRecognizer: put '
                         'the head on that (docs/adding_a_method.md)')
    if has_region(model) and model.visual_prompt.region == 'random':
        raise InputError("region='random' draws the window from the sample id, which a deployed "
                         "model is not given: train with model.visual_prompt.region='cam' or "
                         "'centre'")


def to_onnx(model, image_size, num_frames):
    """Convert a recognizer to an ONNX model that takes one clip.

    The whole forward pass is traced, with the gradient of the activation map. Parts that depend on
    no clip (texts, negatives) are computed once and stored as constants.

    Args:
        model (PromptedRecognizer): a trained model, on the CPU.
        image_size (int): S, pixels.
        num_frames (int): T.

    Returns:
        onnx.ModelProto: from ``frames`` (1, T, 3, S, S) uint8 to the outputs of ``forward``.

    Raises:
        InputError: a package is missing, or the model cannot be exported.
    """
    missing = [name for name in ('onnx', 'onnxscript') if find_spec(name) is None]
    if missing:
        raise InputError(f'the export needs {" and ".join(missing)}: pip install '
                         f'"hesp-mmaction[onnx]", or pip install {" ".join(missing)}')
    check_model(model.eval())
    example = torch.zeros(1, num_frames, 3, image_size, image_size, dtype=torch.uint8)
    with torch.no_grad():
        # Fills the caches of texts and negatives, and stops at a window that is not decided.
        names = list(forward(model, example))
        try:
            # The other kernels have no gradient in ONNX; weights do not change meanwhile.
            with sdpa_kernel(SDPBackend.MATH), caches_trusted(caches_of(model)):
                graph = make_fx(lambda x: tuple(forward(model, x).values()),
                                decomposition_table=DECOMPOSITIONS)(example).eval()
            program = torch.onnx.export(graph, (example,), dynamo=True, verbose=False,
                                        input_names=['frames'], output_names=names)
        except (RuntimeError, NotImplementedError, torch.onnx.OnnxExporterError) as error:
            raise InputError(
                f'{type(model.backbone).__name__} with {type(model.cls_head).__name__} cannot be '
                f'written as ONNX: {_reason(error)}') from error
    return program.model_proto


def _reason(error):
    """Returns the first sentence of the deepest cause of an exporter's error (Exception)."""
    while error.__cause__ is not None:
        error = error.__cause__
    return re.split(r'\. | - |\n', str(error).strip())[0]


# ----------------------------------------------------------------------------------- from a config
def sampling_of(cfg):
    """Read the image size and the frame count from the test pipeline of a config.

    Args:
        cfg (mmengine.Config): the config of a method.

    Returns:
        dict[str, int]: ``image_size`` in pixels and ``num_frames``.

    Raises:
        InputError: the pipeline does something that the runtime example does not do.
    """
    steps = {step['type'].split('.')[-1]: step
             for step in pipeline_of(cfg.test_dataloader.dataset)}
    other = [name for name in steps if name not in PLAIN_STEPS]
    if other or not {'SampleFrames', 'Resize'} <= set(steps):
        raise InputError(f'the test pipeline has {", ".join(other) or "no SampleFrames and Resize"}'
                         f', but an exported model can only do {", ".join(PLAIN_STEPS)}')
    sample, resize = steps['SampleFrames'], steps['Resize']
    if sample['clip_len'] != 1 or not sample.get('test_mode') or sample.get('twice_sample'):
        raise InputError('an exported model takes the middle frame of every segment: set '
                         'SampleFrames of the test pipeline to clip_len=1, test_mode=True')
    width, height = resize['scale']
    if resize.get('keep_ratio', True) or width != height:
        raise InputError('an exported model takes square frames: set Resize of the test pipeline '
                         'to scale=(S, S), keep_ratio=False')
    return dict(image_size=width, num_frames=sample['num_clips'])


def export(config, checkpoint, path, cfg_options=None):
    """Write a trained model as ONNX. Its metadata hold all that a runtime needs to know.

    Args:
        config (str): the config file.
        checkpoint (str | None): the weights; None for a model that is not trained.
        path (str): the new file.
        cfg_options (dict, optional): changes to the config, as ``--cfg-options`` takes them.
            Defaults to None.

    Returns:
        tuple[PromptedRecognizer, mmengine.Config, dict]: the model, its config and the metadata.

    Raises:
        InputError: the model cannot be exported.
    """
    cfg = Config.fromfile(config)
    override(cfg, cfg_options)
    sampling = sampling_of(cfg)
    model = load_trained(cfg, checkpoint)
    proto = to_onnx(model, **sampling)
    threshold = float(model.cls_head.threshold)
    metadata = dict(
        known=list(model.known), threshold=threshold if np.isfinite(threshold) else None,
        sampling='the middle frame of each of num_frames equal segments, resized bilinearly',
        prompt_size=model.visual_prompt.size if has_region(model) else None, **sampling)
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=json.dumps(value))
    with whole(path, 'wb') as file:
        file.write(proto.SerializeToString())
    return model, cfg, metadata


# ----------------------------------------------------------------------------------- are they equal
def frames_of(cfg, clip):
    """Run the test pipeline of a config on a video.

    Args:
        cfg (mmengine.Config): the config of a method.
        clip (str | Path): a video file.

    Returns:
        Tensor: (T, 3, S, S) uint8 RGB.
    """
    init_default_scope('mmaction')
    results = Compose(pipeline_of(cfg.test_dataloader.dataset))(
        dict(filename=str(clip), start_index=0, modality='RGB', label=0, sample_id=str(clip),
             emotion=''))
    return results['inputs']


def differences(model, cfg, path, clips):
    """Measure the largest differences between a model and its ONNX file.

    Args:
        model (PromptedRecognizer): the model.
        cfg (mmengine.Config): its config, with the test pipeline.
        path (str): the ONNX file.
        clips (Sequence[str]): video files to compare on.

    Returns:
        dict[str, float]: the largest absolute difference of each output. That of ``region`` is in
        pixels.

    Raises:
        InputError: ONNX Runtime is too old, or a clip does not exist.
    """
    import onnxruntime
    if Version(onnxruntime.__version__) < Version(OLDEST_RUNTIME):
        raise InputError(f'onnxruntime {onnxruntime.__version__} is too old for these models: pip '
                         f'install "onnxruntime>={OLDEST_RUNTIME}"')
    if not clips or not all(Path(clip).exists() for clip in clips):
        gone = next((clip for clip in clips if not Path(clip).exists()), None)
        raise InputError(f'{gone} does not exist' if gone else 'no clip to check with')
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [output.name for output in session.get_outputs()]
    largest = dict.fromkeys(names, 0.0)
    for clip in clips:
        frames = frames_of(cfg, clip)[None]
        with torch.no_grad():
            ours = forward(model, frames)
        theirs = dict(zip(names, session.run(None, dict(frames=frames.numpy())), strict=True))
        for name in names:
            gap = np.abs(ours[name].numpy().astype(np.float64) - theirs[name]).max()
            largest[name] = max(largest[name], float(gap))
    return largest
