"""Make a data set of drawn, acted faces in the layout of AFEW or MAFW.

    python tools/data/make_synthetic.py --layout afew --out data/synthetic_afew

    python tools/data/make_synthetic.py --layout afew --emotions configs/own_emotions.yaml --out DIR

It takes about half a minute on two cores. If the data set already exists, it does nothing.
"""
import argparse
import os
from pathlib import Path

from PIL import Image

from hesp_mmaction.apis.emotion_wiring import vocabulary_of
from hesp_mmaction.datasets.emotions import use
from hesp_mmaction.datasets.synthetic.gallery import contact_sheet
from hesp_mmaction.datasets.synthetic.layouts import PER_CLASS, write_dataset
from hesp_mmaction.datasets.synthetic.subject import ROLES
from hesp_mmaction.errors import InputError


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--layout', choices=sorted(PER_CLASS))
    parser.add_argument('--out', metavar='DIR', type=os.path.expanduser,
                        help='folder of the data set')
    parser.add_argument('--seed', type=int, default=0, help='another seed, other people and clips')
    parser.add_argument('--per-class', type=int, nargs=2, metavar=('TRAIN', 'TEST'),
                        help=f'clips per class (default: {PER_CLASS})')
    parser.add_argument('--people', type=int, metavar='N',
                        help='persons of the training part (default: '
                        f'{ROLES["afew/train"][1]} of afew, {ROLES["mafw/train"][1]} of mafw)')
    parser.add_argument('--emotions', metavar='FILE.yaml', type=os.path.expanduser,
                        help='draw the emotions of this file that have action_units')
    parser.add_argument('--workers', type=int, default=2, help='processes')
    parser.add_argument('--contact-sheet', metavar='FILE.png', help='also draw a sheet of examples')
    args = parser.parse_args()
    if (args.layout is None) != (args.out is None):
        parser.error('--layout and --out belong together: give both')
    if args.out is None and args.contact_sheet is None:
        parser.error('nothing to do: give --layout and --out, or --contact-sheet')
    return args


def drawable(path):
    """Puts the emotions of a file in force and returns those (list[str]) with action units.

    Raises:
        InputError: there are none, or the file cannot be used.
    """
    vocabulary = vocabulary_of(path)
    use(vocabulary)
    names = [name for name, emotion in vocabulary.emotions.items() if emotion.action_units]
    if not names:
        raise InputError(f'{path}: no emotion has action_units, such as {{AU12: 0.8}}, so none can '
                         'be drawn')
    return names


def main():
    args = parse_args()
    if args.out:
        try:
            made = write_dataset(args.layout, args.out, args.seed, args.per_class, args.workers,
                                 args.people, args.emotions and drawable(args.emotions))
        except InputError as error:
            raise SystemExit(f'error: {error}') from error
        print(f'{args.out}: {"made" if made else "already there, nothing to do"}')
    if args.contact_sheet:
        Path(args.contact_sheet).parent.mkdir(parents=True, exist_ok=True)
        # 256 colours without dither: a quarter of the size, and hardly to be seen in drawings.
        sheet = Image.fromarray(contact_sheet(args.seed)).quantize(256, dither=Image.Dither.NONE)
        sheet.save(args.contact_sheet, format='png', optimize=True)
        print(f'{args.contact_sheet}: written')


if __name__ == '__main__':
    main()
