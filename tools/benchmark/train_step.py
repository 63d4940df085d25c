"""A whole training step of HESP against forward and backward of the bare image tower.

    python tools/benchmark/train_step.py --videos 8 --threads 1

Both see the same frames, with random weights in float32. The bare tower is open_clip's own,
frozen, with gradients to its input. Ours has in addition the region (activation map of the first
frames), visual prompt, negatives, texts, losses and the optimizer. ``ratio`` is ours over theirs.
"""
import torch
from common import bare_tower, batch, build_hesp, interleaved, last_line, parser
from mmengine.optim import build_optim_wrapper


def main():
    flags = parser(__doc__)
    flags.add_argument('--known', type=int, default=4)
    flags.add_argument('--grad-frames', type=int, help='gradient through so many of the frames')
    args = flags.parse_args()
    torch.set_num_threads(args.threads)
    options = {} if args.grad_frames is None else {'model.grad_frames': args.grad_frames}
    model, cfg = build_hesp(args.arch, args.known, args.frames, **options)
    model.train()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    tower = bare_tower(args.arch)
    clips, samples = batch(args.videos, args.frames, model.backbone.image_size, args.known)
    frames = model.normalise(clips.flatten(0, 1) / 255)

    def ours():
        losses = model(clips, samples, mode='loss')
        optim_wrapper.update_params(sum(v for k, v in losses.items() if 'loss' in k))

    def theirs():
        tower(frames.detach().requires_grad_()).square().sum().backward()

    seconds = interleaved(dict(ours=ours, theirs=theirs), args.repeats)
    last_line(ratio=seconds['ours'] / seconds['theirs'], **seconds, videos=args.videos,
              frames=args.frames, known=args.known, threads=args.threads, arch=args.arch,
              grad_frames=args.grad_frames)


if __name__ == '__main__':
    main()
