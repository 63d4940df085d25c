"""Make the file from which the demo page takes the threshold of zero-shot CLIP (half a minute).

    python tools/dev/make_demo_features.py

It draws 40 training clips of each basic emotion and writes the embedded CLIP's features of them
into the package. No other data set of this package uses the same seed.
"""
import argparse
import tempfile

from hesp_mmaction.apis.demo import FEATURES, make_features
from hesp_mmaction.apis.running import run_tool


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', default=FEATURES, metavar='FILE',
                        help='default: its place in the package')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_features(folder, args.out)
    print(f'{args.out}: written')


if __name__ == '__main__':
    run_tool(main)
