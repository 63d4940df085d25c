"""Evaluate a checkpoint: python tools/test.py CONFIG CHECKPOINT [--split N] [options]

A model that is not trained (zero-shot CLIP) needs no CHECKPOINT.
"""
import sys

from _first_look import first_look

if __name__ == '__main__':
    first_look(sys.argv[1:], checkpoint=True)

from hesp_mmaction.apis.running import parser, read_config, run, run_tool  # noqa: E402
from hesp_mmaction.errors import InputError  # noqa: E402


def main():
    arguments = parser(__doc__)
    arguments.add_argument('checkpoint', nargs='?', help='checkpoint file')
    args = arguments.parse_args()
    cfg = read_config(args)
    if args.checkpoint is None and 'optim_wrapper' in cfg:
        raise InputError(f'{args.config} is a config of a trained model: name its checkpoint')
    cfg.load_from = args.checkpoint
    run(cfg, lambda runner: runner.test(), ['test_dataloader'])


if __name__ == '__main__':
    run_tool(main)
