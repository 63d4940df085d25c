"""A training step of HESP's texts alone: on frames, and on stored features.

    python tools/benchmark/features.py --videos 16

Decoding is left out of both. ``ratio`` is on frames over on features.
"""
import torch
from common import batch, build_hesp, interleaved, last_line, parser
from mmengine.optim import build_optim_wrapper


def main():
    args = parser(__doc__).parse_args()
    torch.set_num_threads(args.threads)
    model, cfg = build_hesp(args.arch, frames=args.frames, **{
        'model.visual_prompt': None, 'model.negatives': None, 'optim_wrapper.paramwise_cfg': None})
    model.train()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    clips, samples = batch(args.videos, args.frames, model.backbone.image_size)
    with torch.no_grad():
        features = model.encode_clips(clips)

    def step(inputs):
        losses = model(inputs, samples, mode='loss')
        optim_wrapper.update_params(sum(v for k, v in losses.items() if 'loss' in k))

    seconds = interleaved(dict(frames=lambda: step(clips), features=lambda: step(features)),
                          args.repeats)
    last_line(ratio=seconds['frames'] / seconds['features'], **seconds, videos=args.videos,
              num_frames=args.frames, threads=args.threads, arch=args.arch)


if __name__ == '__main__':
    main()
