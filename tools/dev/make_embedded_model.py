"""Make the model that tools/infer.py uses by default (a quarter of an hour on two cores).

    python tools/dev/make_embedded_model.py --data data/synthetic_seed2

It draws faces, trains configs/hesp_synthetic_o43.py on them and writes the weights into the
package. No other data set of this package uses the same seed.
"""
import argparse

from hesp_mmaction.apis.configs import find_config
from hesp_mmaction.apis.running import parser, read_config, run, run_tool
from hesp_mmaction.datasets.synthetic.layouts import write_dataset
from hesp_mmaction.models.checkpoints import read_checkpoint
from hesp_mmaction.models.hesp_zoo import CONFIG, WEIGHTS, save_weights

SEED, PER_CLASS = 2, (120, 10)


def main():
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument('--data', default='data/synthetic_seed2', metavar='DIR',
                           help='where the faces are drawn (default: %(default)s)')
    arguments.add_argument('--work-dir', default='work_dirs/embedded_model', metavar='DIR',
                           help='of the training (default: %(default)s)')
    arguments.add_argument('--out', default=WEIGHTS, metavar='FILE',
                           help='default: its place in the package')
    args = arguments.parse_args()
    write_dataset('afew', args.data, SEED, PER_CLASS)
    flags = parser('').parse_args([find_config(CONFIG), '--work-dir', args.work_dir])
    flags.cfg_options = dict(data_root=args.data)
    cfg = read_config(flags)
    run(cfg, lambda runner: runner.train())
    path = f'{args.work_dir}/epoch_{cfg.train_cfg.max_epochs}.pth'
    save_weights(read_checkpoint(path), args.out)
    print(f'{args.out}: written')


if __name__ == '__main__':
    run_tool(main)
