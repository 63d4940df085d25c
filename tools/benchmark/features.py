"""A training step of HESP's texts alone: on frames, and on stored features.

    python tools/benchmark/features.py --videos 16
    python tools/benchmark/features.py --videos 64 --device cuda --amp

Neither includes decoding. ``ratio`` is the time on frames over the time on features.
"""
import torch
from common import last_line, measured, parser, prepare, settings


def main():
    args = parser(__doc__).parse_args()
    found = prepare(args, **{'model.visual_prompt': None, 'model.negatives': None,
                             'optim_wrapper.paramwise_cfg': None})
    found.model.train()
    with torch.no_grad():
        features, _ = found.model.encode_clips(found.clips)
    rows = measured(dict(frames=lambda: found.update(found.clips),
                         features=lambda: found.update(features)), found.device, args.repeats)
    seconds = {name: row['total'] / 1e3 for name, row in rows.items()}
    last_line(ratio=seconds['frames'] / seconds['features'], **seconds, rows=rows,
              num_frames=args.frames, **{key: value for key, value in settings(
                  args, found.device).items() if key != 'frames'})


if __name__ == '__main__':
    main()
