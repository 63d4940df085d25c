"""A training step and an evaluation of HESP on a GPU, next to open_clip's bare image tower.

    python tools/benchmark/gpu_step.py --amp
    python tools/benchmark/gpu_step.py --device cpu --videos 1 --frames 2 --repeats 1

It times what train_step.py and eval_pass.py time, in one run, and also the region alone. The
columns of the table are explained in `measured` of common.py. The last line is JSON. ``ratio``
(training) and ``ratio_eval`` are ours over theirs.
"""
import torch
from common import last_line, measured, parser, prepare, settings


def main():
    flags = parser(__doc__)
    flags.set_defaults(videos=64, repeats=20, device='cuda')
    flags.add_argument('--known', type=int, default=4)
    args = flags.parse_args()
    found = prepare(args, args.known)

    @torch.no_grad()
    def region():
        found.model.locate(found.clips[:, :1] / 255, found.samples)

    rows = {}
    for group in ({'step': found.step, 'bare tower, step': found.bare_step},
                  {'evaluation': found.evaluation,
                   'bare tower, evaluation': found.bare_evaluation},
                  {'region alone': region}):
        rows |= measured(group, found.device, args.repeats)
    last_line(ratio=rows['step']['total'] / rows['bare tower, step']['total'],
              ratio_eval=rows['evaluation']['total'] / rows['bare tower, evaluation']['total'],
              step=rows['step'], evaluation=rows['evaluation'], known=args.known,
              **settings(args, found.device))


if __name__ == '__main__':
    main()
