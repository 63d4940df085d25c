"""A whole training step of HESP, against forward and backward pass of the bare image tower.

    python tools/benchmark/train_step.py --videos 8 --threads 1
    python tools/benchmark/train_step.py --videos 64 --device cuda --amp --compile

Both see the same frames, with random weights. The bare tower is open_clip's own. It is frozen, and
the gradient goes to its input. With ``--amp`` its weights have half precision. Ours also includes
the region (activation map of the first frames), visual prompt, negatives, texts, losses and the
optimizer. ``ratio`` is ours over theirs.
"""
from common import last_line, measured, parser, prepare, settings


def main():
    flags = parser(__doc__)
    flags.add_argument('--known', type=int, default=4)
    flags.add_argument('--grad-frames', type=int, help='gradient through so many of the frames')
    args = flags.parse_args()
    options = {} if args.grad_frames is None else {'model.grad_frames': args.grad_frames}
    found = prepare(args, args.known, **options)
    rows = measured(dict(ours=found.step, theirs=found.bare_step), found.device, args.repeats)
    seconds = {name: row['total'] / 1e3 for name, row in rows.items()}
    last_line(ratio=seconds['ours'] / seconds['theirs'], **seconds, rows=rows, known=args.known,
              grad_frames=args.grad_frames, **settings(args, found.device))


if __name__ == '__main__':
    main()
