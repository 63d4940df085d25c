"""Evaluation of clips by HESP against a forward pass of the bare image tower over their frames.

    python tools/benchmark/eval_pass.py --videos 8 --threads 1

``ratio`` is ours over theirs; ours has the region, the prompt, the head and the decisions too.
"""
import torch
from common import bare_tower, batch, build_hesp, interleaved, last_line, parser


def main():
    args = parser(__doc__).parse_args()
    torch.set_num_threads(args.threads)
    model, _ = build_hesp(args.arch, frames=args.frames)
    model.eval()
    tower = bare_tower(args.arch)
    clips, samples = batch(args.videos, args.frames, model.backbone.image_size)
    frames = model.normalise(clips.flatten(0, 1) / 255)

    @torch.no_grad()
    def ours():
        model(clips, samples, mode='predict')

    @torch.no_grad()
    def theirs():
        tower(frames)

    seconds = interleaved(dict(ours=ours, theirs=theirs), args.repeats)
    last_line(ratio=seconds['ours'] / seconds['theirs'], **seconds, videos=args.videos,
              frames=args.frames, threads=args.threads, arch=args.arch)


if __name__ == '__main__':
    main()
