"""Draw where the visual prompt acts: python tools/analysis/draw_regions.py CONFIG OUT.png

For each clip it draws the first frame, the frame below the activation map, and the window with the
largest sum. There is a row per emotion, with --clips clips of the test part.
"""
import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.wiring import override
from hesp_mmaction.datasets.wrappers import leaf_configs
from hesp_mmaction.errors import InputError
from hesp_mmaction.visualization.regions import draw_region


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('out', help='picture to be written')
    parser.add_argument('--clips', type=int, default=3, help='clips per emotion')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue)
    args = parser.parse_args()
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options)
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    prompt = getattr(model, 'visual_prompt', None)
    if prompt is None or prompt.region != 'cam':
        raise InputError(f"{args.config} has no visual prompt with region='cam'")
    dataset = DATASETS.build(dict(leaf_configs(cfg.test_dataloader.dataset)[0],
                                  device_transforms=False))
    rows = []
    for emotion in dataset.ALL_CLASSES:
        found = [i for i in range(len(dataset)) if dataset.get_data_info(i)['emotion'] == emotion]
        panels = [panel(model, dataset[i]) for i in found[:args.clips]]
        rows.append(np.concatenate(panels, axis=1))
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(args.out, np.concatenate(rows)[..., ::-1])
    print(args.out)


def panel(model, sample):
    """Draw the three pictures of a sample.

    Args:
        model (PromptedRecognizer): the model.
        sample (dict): a sample of a data set.

    Returns:
        np.ndarray: (h, w, 3) uint8.
    """
    clip = sample['inputs'][None].float()
    with torch.no_grad():
        heat = model.activation_map(clip[:, 0] / 255)
        _, found = model.encode_clips(clip, [sample['data_samples']])
    first = sample['inputs'][0].permute(1, 2, 0).numpy()
    window = found['region'][0].tolist()
    return draw_region(first, heat[0].numpy(), (*window, model.visual_prompt.size))


if __name__ == '__main__':
    run_tool(main)
