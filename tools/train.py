"""Train an open-set recognizer: python tools/train.py CONFIG [--split N] [options]"""
import sys

from _first_look import first_look

if __name__ == '__main__':
    first_look(sys.argv[1:])

from hesp_mmaction.apis.growth import Growth, train  # noqa: E402
from hesp_mmaction.apis.running import parser, read_config, run, run_tool  # noqa: E402
from hesp_mmaction.compat.launching import optim_wrapper_cfg  # noqa: E402
from hesp_mmaction.errors import InputError  # noqa: E402


def main():
    arguments = parser(__doc__)
    arguments.add_argument('--resume', nargs='?', const='auto', metavar='CHECKPOINT',
                           help='go on from a checkpoint, by default the latest of the work dir')
    arguments.add_argument('--grow', metavar='CHECKPOINT', help='start from a trained model and '
                           'teach it the emotions of --known that it does not know')
    arguments.add_argument('--no-validate', action='store_true',
                           help='no evaluation after the last epoch')
    args = arguments.parse_args()
    if args.grow is not None and (args.known is None or args.resume is not None):
        raise InputError('--grow needs --known with the old and the new emotions, and no --resume: '
                         'a growth that was interrupted goes on with --resume alone')
    cfg = read_config(args)
    if 'optim_wrapper' not in cfg:
        raise InputError(f'{args.config} has nothing to train: run it with tools/test.py')
    cfg.optim_wrapper = optim_wrapper_cfg(
        cfg.optim_wrapper, cfg.get('precision', {}).get('amp', False))
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    run(cfg, train if args.grow is None else Growth(cfg, args.grow).train,
        ['train_dataloader', 'val_dataloader'])


if __name__ == '__main__':
    run_tool(main)
