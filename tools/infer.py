"""Predict the emotion on videos of your own, or `unknown`.

    python tools/infer.py my.mp4
    python tools/infer.py clips/ --face haar --out results
    python tools/infer.py long.mp4 --window 2 --stride 1 --video annotated.mp4
    python tools/infer.py clips/ --config configs/hesp_afew_o34.py --checkpoint epoch_10.pth

Without --config it uses the model embedded in this package, which was trained on drawn faces. On
real faces that model only shows how the tool works.
"""
import argparse
import os
import sys

from mmengine.logging import MMLogger

from hesp_mmaction.apis import HESPInferencer, write_results
from hesp_mmaction.apis.clip_sources import find_clips
from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.datasets.faces import DETECTORS
from hesp_mmaction.datasets.video import return_memory_at_once
from hesp_mmaction.errors import InputError
from hesp_mmaction.visualization.panel import shown_probabilities


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('inputs', nargs='+', metavar='INPUT',
                        help='a video, a folder of videos or of frames, or the number of a webcam')
    model = parser.add_argument_group('model')
    model.add_argument('--config', help='config file; default: the embedded model')
    model.add_argument('--checkpoint', help='its weights (.pth or .safetensors)')
    model.add_argument('--known', nargs='+', metavar='NAME',
                       help='the known emotions, of a model that is not trained')
    model.add_argument('--cfg-options', nargs='+', action=KeyValue, metavar='KEY=VALUE',
                       help='changes to the config')
    model.add_argument('--device', help='default: a GPU if the machine has one')
    model.add_argument('--amp', action='store_true', help='mixed precision')
    clip = parser.add_argument_group('clips')
    clip.add_argument('--face', choices=list(DETECTORS),
                      help='find, follow and cut out the main face first')
    clip.add_argument('--window', type=float, metavar='SECONDS',
                      help='judge windows of a long video instead of the whole')
    clip.add_argument('--stride', type=float, metavar='SECONDS',
                      help='from one window to the next (default: half a window)')
    clip.add_argument('--batch-size', type=int, default=8, help='windows at a time (default: 8)')
    clip.add_argument('--fps', type=float, default=25,
                      help='of folders of frames (default: 25)')
    clip.add_argument('--seconds', type=float, default=5,
                      help='how long a webcam films (default: 5)')
    out = parser.add_argument_group('results')
    out.add_argument('--out', metavar='DIR', type=os.path.expanduser,
                     help='results.json, results.csv and an annotated video of every clip')
    out.add_argument('--json', metavar='FILE', type=os.path.expanduser,
                     help='a list of all that was found')
    out.add_argument('--csv', metavar='FILE', type=os.path.expanduser,
                     help='a line per clip or window')
    out.add_argument('--video', metavar='FILE.mp4', type=os.path.expanduser,
                     help='the annotated video of a single clip')
    return parser.parse_args()


def table(predictions):
    """Make the lines that are printed, one per result.

    Args:
        predictions (list[dict]): the results.

    Returns:
        list[str]: the lines.
    """
    width = max(len('clip'), *(len(row['file']) for row in predictions))
    lines = [f'{"clip":{width}}  seconds         emotion       score  threshold  most likely known']
    for row in predictions:
        seconds = f'{row["start"]:6.2f} - {row["end"]:6.2f}' if 'start' in row else ''
        line = f'{row["file"]:{width}}  {seconds:15} '
        if 'error' in row:
            lines.append(f'{line} {row["error"]}')
            continue
        limit = '-' if row['threshold'] is None else f'{row["threshold"]:.3f}'
        best = row['best_known']
        lines.append(f'{line}{row["emotion"]:12}{row["score"]:8.3f}{limit:>11}  '
                     f'{best} {shown_probabilities(row)[best]:.0%}')
    return lines


def check_inputs(inputs):
    """Refuse a config or weights among the inputs, where train.py and test.py take them.

    Without this check, the embedded model would answer in place of the named one.

    Args:
        inputs (list[str]): the inputs of the command line.

    Raises:
        InputError: an input is a config or weights.
    """
    for flag, ends in (('--config', ('.py',)), ('--checkpoint', ('.pth', '.pt', '.safetensors'))):
        for name in inputs:
            if name.lower().endswith(ends):
                raise InputError(f'{name} is not a clip: name it with {flag} {name}')


def main():
    args = parse_args()
    check_inputs(args.inputs)
    MMLogger.get_instance('infer', log_level='WARNING')
    return_memory_at_once()
    inferencer = HESPInferencer(args.config, args.checkpoint, args.device, args.face, args.known,
                                args.cfg_options, show_progress=True, amp=args.amp)
    inputs = [int(item) if item.isdecimal() and not os.path.exists(item) else item
              for item in args.inputs]
    clips = find_clips(inputs, args.fps, args.seconds)
    if args.video is not None and len(clips) != 1:
        raise InputError(f'--video is for a single clip and there are {len(clips)}: use --out')
    json_path, csv_path = args.json, args.csv
    if args.out is not None:
        json_path = json_path or os.path.join(args.out, 'results.json')
        csv_path = csv_path or os.path.join(args.out, 'results.csv')
    predictions = []
    try:
        for row in inferencer.predict(clips, args.window, args.stride, args.batch_size):
            predictions.append(row)
    finally:  # also if a clip stops the program: what was found stays
        if predictions:
            print('\n'.join(table(predictions)))
            write_results(predictions, json_path, csv_path)
    videos = inferencer.visualize(clips, predictions, out_dir=args.out, video=args.video)
    written = [path for path in (json_path, csv_path, *videos) if path]
    if written:
        print('written: ' + ', '.join(written))
    if all('error' in row for row in predictions):
        sys.exit(1)


if __name__ == '__main__':
    run_tool(main)
