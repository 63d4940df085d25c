"""Draw the pictures of docs/inference.md, from the data set of the quick start.

    python tools/analysis/draw_inference.py data/synthetic docs/images

They show three clips of one person, and the same clips joined to one video, judged in windows.
"""
import argparse
import os

import cv2
import numpy as np
from PIL import Image

from hesp_mmaction.apis import HESPInferencer
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets.clip_loading import Video
from hesp_mmaction.visualization.annotate import annotate_frame, result_at, score_limits
from hesp_mmaction.visualization.canvas import new_axes
from hesp_mmaction.visualization.panel import COLOURS

CLIPS = 'Happy/324000396.avi', 'Surprise/324000301.avi', 'Sad/324000342.avi'
WINDOW, STRIDE = 0.8, 0.2


def row(pictures, width):
    """Put pictures side by side.

    Args:
        pictures (Sequence[np.ndarray]): (H, W, 3) uint8.
        width (int): pixels of each in the result.

    Returns:
        np.ndarray: (h, n * width, 3) uint8.
    """
    height = round(pictures[0].shape[0] * width / pictures[0].shape[1])
    return np.concatenate([cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)
                           for p in pictures], 1)


def draw_windows(predictions, ends, names, width):
    """Draw the result of each window below the emotions that were acted.

    Args:
        predictions (list[dict]): the results of the windows.
        ends (Sequence[float]): when each of the joined clips ends, in seconds.
        names (Sequence[str]): the emotion of each.
        width (int): pixels.

    Returns:
        np.ndarray: (h, width, 3) uint8.
    """
    figure, axes = new_axes('', 'seconds', '', (width / 100, 2.6))
    for begin, end, name in zip([0, *ends], ends, names, strict=False):
        axes.axvline(end, color='#888888', lw=0.8, ls=':')
        axes.text((begin + end) / 2, -1.2, f'acted: {name}', ha='center', fontsize=9)
    for number, result in enumerate(predictions):
        kind = 'unknown' if result['emotion'] == 'unknown' else 'known'
        axes.barh(number, result['end'] - result['start'], left=result['start'], height=0.8,
                  color=np.array(COLOURS[kind]) / 255)
        axes.text((result['start'] + result['end']) / 2, number, result['emotion'],
                  ha='center', va='center', fontsize=8)
    axes.set(xlim=(0, ends[-1]), ylim=(len(predictions) - 0.4, -1.8), yticks=[])
    axes.grid(False)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def save(picture, path):
    """Write a picture as PNG with 256 colours.

    Args:
        picture (np.ndarray): (H, W, 3) uint8.
        path (str): the file.
    """
    Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f'{path}: written')


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data', metavar='DATA', help='the data set of the quick start')
    parser.add_argument('out', metavar='OUT', help='folder of the pictures')
    args = parser.parse_args()
    paths = [os.path.join(args.data, 'Val_AFEW', name) for name in CLIPS]
    clips = [np.stack(list(Video(path))) for path in paths]
    inferencer = HESPInferencer()

    results = inferencer(paths)['predictions']
    limits = score_limits(results)
    middle = [annotate_frame(clip[len(clip) // 2], result, len(clip) / 50, limits)
              for clip, result in zip(clips, results, strict=True)]
    save(row(middle, 320), os.path.join(args.out, 'infer_clips.png'))

    joined = np.concatenate(clips)
    windows = inferencer(joined, WINDOW, STRIDE)['predictions']
    limits = score_limits(windows)
    numbers = np.linspace(0, len(joined) - 1, 7).round().astype(int)[1:-1]
    frames = row([annotate_frame(joined[n], result_at(windows, n / 25), n / 25, limits)
                  for n in numbers], 192)
    ends = np.cumsum([len(clip) for clip in clips]) / 25
    names = [name.split('/')[0].lower() for name in CLIPS]
    chart = draw_windows(windows, ends, names, frames.shape[1])
    save(np.concatenate([frames, chart]), os.path.join(args.out, 'infer_windows.png'))


if __name__ == '__main__':
    run_tool(main)
