"""Check the `official` preset against golden values of the released HESP code.

    python tools/dev/check_reference.py FOLDER

FOLDER holds hesp_official_tiny_*.npz: the weights of a tiny CLIP, one batch, and the results of the
released code for it (features, logits, losses, gradients, the state after one and three steps).
Prints every quantity with its relative error and exits with 1 if one is above 1e-4.
"""
import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from hesp_mmaction.apis.configs import our_config
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets.emotions import canonical
from hesp_mmaction.errors import InputError
from hesp_mmaction.evaluation import auroc

CONFIG = our_config('hesp_official_afew_o34.py')
LOSSES = dict(loss_known='loss_clip_known', loss_contrastive='loss_con',
              loss_negative='loss_arpl_ce', loss_alignment='loss_clip_neg',
              loss_fused='loss_final')
PARAMETERS = {'visual_prompt.delta': 'perturbation', 'negatives.images': 'unknown_p_v',
              'cls_head.radius': 'radius', 'cls_head.prompts.contexts': 'ctx'}
GRADIENTS = dict(perturbation='perturbation', unknown_p_v='crit.unknown_p_v',
                 radius='crit.radius', ctx='prompt_learner.ctx')


def build(golden, meta, folder):
    """Build the recognizer and the optimizer of the official preset, in the golden initial state.

    Args:
        golden (dict[str, np.ndarray]): the golden values.
        meta (dict): their settings.
        folder (Path): where the tiny CLIP is written.

    Returns:
        tuple[HESPRecognizer, OptimWrapper]: both.
    """
    sizes = meta['cfg']
    arch, weights = folder / 'clip.json', folder / 'clip.pt'
    arch.write_text(json.dumps(dict(
        embed_dim=sizes['embed_dim'], quick_gelu=True,
        vision_cfg=dict(image_size=sizes['image_resolution'], layers=sizes['vision_layers'],
                        width=sizes['vision_width'], patch_size=sizes['vision_patch_size']),
        text_cfg=dict(context_length=sizes['context_length'], vocab_size=sizes['vocab_size'],
                      width=sizes['transformer_width'], heads=sizes['transformer_heads'],
                      layers=sizes['transformer_layers']))))
    state = {key.removeprefix('clip__'): torch.tensor(golden[key]).float() for key in golden
             if key.startswith('clip__') and 'token_ids' not in key and 'token_rows' not in key}
    tokens = torch.zeros(sizes['vocab_size'], sizes['transformer_width'])
    tokens[golden['clip__token_ids'].astype(np.int64)] = torch.tensor(golden['clip__token_rows'])
    state['token_embedding.weight'] = tokens
    torch.save(state, weights)

    cfg = Config.fromfile(CONFIG)
    half, size = meta['patch'] // 2, sizes['image_resolution']
    centre = np.clip(golden['patch_position_raw'], half, size - 1 - half)
    known = [canonical(name) for name in meta['names']]
    clip = dict(arch=str(arch), pretrained=str(weights))
    cfg.model.known = known
    cfg.model.backbone.update(clip)
    cfg.model.negatives.image_size = size
    cfg.model.visual_prompt.update(image_size=size, size=meta['patch'],
                                   region=tuple(int(x) - half for x in centre))
    cfg.model.cls_head.update(clip=clip, words=dict(zip(known, meta['names'], strict=True)))
    model = MODELS.build(cfg.model).train()
    with torch.no_grad():
        for name, key in PARAMETERS.items():
            parameter = model.get_parameter(name)
            parameter.copy_(torch.tensor(golden[f'init__{key}']).reshape(parameter.shape))
    return model, build_optim_wrapper(model, cfg.optim_wrapper)


def batch(frames, labels):
    """Turn golden frames into a batch of the recognizer.

    Args:
        frames (np.ndarray): (B, T, 3, S, S) in [0, 1].
        labels (Sequence[int]): B labels.

    Returns:
        tuple[Tensor, list[ActionDataSample]]: frames (B, T, 3, S, S), pixels 0..255, and data
        samples.
    """
    samples = [ActionDataSample(metainfo=dict(sample_id=str(i))).set_gt_label(int(label))
               for i, label in enumerate(labels)]
    return torch.tensor(frames).float() * 255, samples


def compare(golden, folder):
    """Compare all quantities of a file.

    Args:
        golden (dict[str, np.ndarray]): the golden values.
        folder (Path): where the tiny CLIP is written.

    Yields:
        tuple: the quantity, our value and the golden value.
    """
    meta = json.loads(str(golden['meta']))
    model, optimizer = build(golden, meta, folder)
    head = model.cls_head
    for key, sentences in (('tok_negative', [f'This video is not {n}.' for n in meta['names']]),):
        yield key, head.text.tokenizer(sentences), golden[key]

    model.eval()
    with torch.no_grad():
        for part in ('known', 'unknown'):
            frames = golden[f'test__frames_{part}'][0]
            outputs, _ = model.extract_feat(*batch(frames, [0] * len(frames))[:1], stage='head')
            yield (f'test logits, {part}', outputs['logits_mean'],
                   golden[f'test__logits_{part}'][:len(frames)])
            first = 0 if part == 'known' else len(golden['test__logits_known'])
            for kind, key in (('known', 'clip'), ('negative', 'arpl')):
                yield (f'test {kind} logits, {part}', outputs[f'logits_{kind}'],
                       golden[f'test__{key}_logits'][first:first + len(frames)])
    scores = {part: golden[f'test__logits_{part}'].max(1) for part in ('known', 'unknown')}
    yield 'AUROC', [100 * auroc(scores['known'], scores['unknown'])], golden['test__metric_AUROC']
    model.train()

    inputs, samples = batch(golden['frames'], golden['labels'])
    for step in range(1, 4):
        optimizer.zero_grad()
        if step == 1:
            features, _ = model.extract_feat(inputs, stage='backbone', data_samples=samples)
            outputs, _ = model.extract_feat(inputs, stage='head', data_samples=samples)
            yield 'frame features', features.flatten(0, 1), golden['frame_features']
            yield 'video features', outputs['feature'], golden['video_features']
            yield 'text features', head.class_text(), golden['text_features']
            yield 'negative text features', head.negative_text, golden['negt_features']
            yield 'negative visual features', outputs['points'], golden['negv_features']
            yield 'known logits', outputs['logits_known'], golden['clip_logits']
            yield 'negative logits', outputs['logits_negative'], golden['arpl_logits']
        losses = model(inputs, samples, mode='loss')
        total = sum(value for key, value in losses.items() if 'loss' in key)
        total.backward()
        if step == 1:
            for name, key in LOSSES.items():
                yield f'{name}', losses[name], golden[key]
            margin = losses['loss_margin'] / head.weights['margin']
            yield 'loss_margin', margin, golden['loss_arpl_margin']
            yield ('loss_negative + loss_margin', losses['loss_negative'] + losses['loss_margin'],
                   golden['loss_arpl_total'])
            yield 'loss total', total, golden['loss_total']
            for name, key in PARAMETERS.items():
                yield (f'gradient of {name}', model.get_parameter(name).grad,
                       golden[f'grad__{GRADIENTS[key]}'])
        optimizer.step()
        if step in (1, 3):
            for name, key in PARAMETERS.items():
                yield (f'{name} after {step}', model.get_parameter(name),
                       golden[f'after{step}__{key}'])


def relative_error(ours, golden):
    """Divide the largest absolute difference by the largest golden value.

    Args:
        ours (Tensor | Sequence[float]): our values.
        golden (np.ndarray): as many golden values.

    Returns:
        float: the relative error.
    """
    ours = torch.as_tensor(ours).detach().double().numpy()
    golden = np.asarray(golden, dtype=np.float64).reshape(ours.shape)
    return float(np.abs(ours - golden).max() / np.abs(golden).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path)
    files = sorted(parser.parse_args().folder.glob('hesp_official_tiny_*.npz'))
    if not files:
        raise InputError('the folder holds no hesp_official_tiny_*.npz')
    worst = 0.0
    for path in files:
        with np.load(path, allow_pickle=False) as file, tempfile.TemporaryDirectory() as folder:
            for name, ours, golden in compare(dict(file), Path(folder)):
                error = relative_error(ours, golden)
                worst = max(worst, error)
                print(f'{path.stem:24} {name:36} {error:.1e}{"" if error <= 1e-4 else "  <--"}')
    print(f'largest relative error {worst:.1e}')
    sys.exit(worst > 1e-4)


if __name__ == '__main__':
    run_tool(main)
