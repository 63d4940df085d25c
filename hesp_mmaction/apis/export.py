"""A trained recognizer as one ONNX file, prompts, texts and normalisation folded in."""
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
from ..models.eval_cache import caches_trusted
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
    """What a recognizer says of clips, as its ``predict`` computes it.

    Args:
        model (PromptedRecognizer): in eval mode. frames (Tensor): (B, T, 3, S, S), pixels 0..255.

    Returns:
        dict[str, Tensor]: ``logits``, ``logits_known`` and ``probabilities`` (B, K), ``score`` (B,)
        and, where the visual prompt has a window, ``region`` (B, 2), its top and left pixel.
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
    """Whether a model's visual prompt acts in a window (a border has none)."""
    prompt = getattr(model, 'visual_prompt', None)
    return prompt is not None and prompt.has_window


def check_model(model):
    """Models that cannot be one ONNX file.

    Raises:
        InputError: it is none of this package's recognizers, or its windows are drawn at random.
    """
    if not isinstance(model, PromptedRecognizer):
        raise InputError(f'{type(model).__name__} cannot be exported, only PromptedRecognizer: put '
                         'the head on that (docs/adding_a_method.md)')
    if has_region(model) and model.visual_prompt.region == 'random':
        raise InputError("region='random' draws the window from the sample id, which a deployed "
                         "model is not given: train with model.visual_prompt.region='cam' or "
                         "'centre'")


def to_onnx(model, image_size, num_frames):
    """A recognizer to an ONNX model of one clip.

    The whole forward pass is traced, the gradient of the activation map included, and what does
    not depend on the clip (texts, negatives) is computed once and kept as numbers.

    Args:
        model (PromptedRecognizer): trained, on the CPU. image_size (int): S. num_frames (int): T.

    Returns:
        onnx.ModelProto: ``frames`` (1, T, 3, S, S) uint8 to the outputs of :func:`forward`.

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
            with sdpa_kernel(SDPBackend.MATH), caches_trusted(model):
                graph = make_fx(lambda x: tuple(forward(model, x).values()),
                                decomposition_table=DECOMPOSITIONS)(example).eval()
            program = torch.onnx.export(graph, (example,), dynamo=True, verbose=False,
                                        input_names=['frames'], output_names=names)
        except (RuntimeError, NotImplementedError, torch.onnx.OnnxExporterError) as error:
            raise InputError(
                f'{type(model.backbone).__name__} with {type(model.cls_head).__name__} cannot be '
                f'written as ONNX: {reason(error)}') from error
    return program.model_proto


def reason(error):
    """How the error at the bottom of an exporter's error begins."""
    while error.__cause__ is not None:
        error = error.__cause__
    return re.split(r'\. | - |\n', str(error).strip())[0]


# ----------------------------------------------------------------------------------- from a config
def sampling_of(cfg):
    """Image size and frame count of a config's test pipeline.

    Raises:
        InputError: it does something that a runtime would have to be told.
    """
    steps = {step['type'].split('.')[-1]: step
             for step in pipeline_of(cfg.test_dataloader.dataset)}
    other = [name for name in steps if name not in PLAIN_STEPS]
    if other or not {'SampleFrames', 'Resize'} <= set(steps):
        raise InputError(f'the test pipeline has {", ".join(other) or "no SampleFrames and Resize"}'
                         f', and an exported model only: {", ".join(PLAIN_STEPS)}')
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
    """Write a trained model as ONNX, with all that a runtime has to know in its metadata.

    Args:
        config (str): file. checkpoint (str, optional): file. path (str): of the new file.
        cfg_options (dict, optional): as of ``--cfg-options``.

    Returns:
        tuple[PromptedRecognizer, mmengine.Config, dict]: the model, its config, the metadata.
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
    """A video file to what the test pipeline of a config makes of it: (T, 3, S, S) uint8."""
    init_default_scope('mmaction')
    results = Compose(pipeline_of(cfg.test_dataloader.dataset))(
        dict(filename=str(clip), start_index=0, modality='RGB', label=0, sample_id=str(clip),
             emotion=''))
    return results['inputs']


def differences(model, cfg, path, clips):
    """The largest differences between a model and its ONNX file.

    Args:
        model (PromptedRecognizer). cfg (mmengine.Config): with its test pipeline. path (str): ONNX
        file. clips (Sequence[str]): video files.

    Returns:
        dict[str, float]: per output the largest absolute difference; of ``region`` in pixels.
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
