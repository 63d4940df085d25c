"""An evaluation of clips by HESP, against a forward pass of the bare image tower on their frames.

    python tools/benchmark/eval_pass.py --videos 8 --threads 1
    python tools/benchmark/eval_pass.py --videos 64 --device cuda --amp

``ratio`` is ours over theirs. Ours also includes the region, the prompt, the head and the
decisions.
"""
from common import last_line, measured, parser, prepare, settings


def main():
    args = parser(__doc__).parse_args()
    found = prepare(args)
    rows = measured(dict(ours=found.evaluation, theirs=found.bare_evaluation), found.device,
                    args.repeats)
    seconds = {name: row['total'] / 1e3 for name, row in rows.items()}
    last_line(ratio=seconds['ours'] / seconds['theirs'], **seconds, rows=rows,
              **settings(args, found.device))


if __name__ == '__main__':
    main()
