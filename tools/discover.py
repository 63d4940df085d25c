"""Find new emotions among clips that have no labels.

    python tools/discover.py WORK_DIR --clips FOLDER --out groups    # groups.txt, groups.html
    python tools/discover.py --apply groups                          # train.csv, test.csv

The first call groups the unknown clips and suggests a name for each group. You look at groups.html
and decide in groups.txt. The second call writes lists and prints the training that learns the
accepted emotions.
"""
import argparse
import os
import shlex
from pathlib import Path

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.group_lists import apply_groups, write_groups
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.apis.unknown_groups import discover, find_run, other_clips, run_clips
from hesp_mmaction.evaluation.naming import LEXICON


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('run', nargs='?', metavar='WORK_DIR', help='work dir of a training')
    parser.add_argument('--clips', nargs='+', metavar='PATH', help='videos, folders of frames, '
                        'folders of these, or a .txt file with a path a line; default: the test '
                        'clips of the run, which are then no test clips of the new emotions')
    parser.add_argument('--groups', type=int, metavar='K',
                        help='number of groups; default: estimated by the silhouette')
    parser.add_argument('--lexicon', default=LEXICON, metavar='FILE',
                        help='words of your own, one a line; default: those of this package')
    parser.add_argument('--out', type=os.path.expanduser, metavar='DIR',
                        help='folder of the results (default: WORK_DIR/groups)')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='changes to the config of the run')
    parser.add_argument('--apply', metavar='DIR', type=os.path.expanduser,
                        help='read the edited DIR/groups.txt and write lists')
    args = parser.parse_args()
    if (args.run is None) == (args.apply is None):
        parser.error('give WORK_DIR, or --apply DIR once groups.txt is edited')
    return args


def find(args):
    """Write groups.txt, groups.html and groups.json into the folder of the results."""
    run = find_run(args.run)
    judged = (run_clips(run) if args.clips is None
              else other_clips(run, args.clips, args.cfg_options))
    groups = discover(run, judged, args.groups, args.lexicon, args.cfg_options)
    out = Path(args.out or run.folder / 'groups')
    write_groups(out, run, judged, groups)
    total = sum(len(group.clips) for group in groups)
    print(f'{total} of {len(judged.paths)} clips are unknown, {len(groups)} groups:')
    for number, group in enumerate(groups, 1):
        words = ', '.join(word for word, _ in group.words[:3])
        print(f'  group {number}: {len(group.clips)} clips, {words}')
    print(f'Look at {out}/groups.html, edit {out}/groups.txt, then run\n'
          f'  python tools/discover.py --apply {out}')


def apply(folder, cfg_options=None):
    """Write train.csv and test.csv as the edited groups.txt says, and print the next command."""
    found = apply_groups(folder, cfg_options)
    for name, clips in found.new.items():
        print(f'{name}: {len(clips)} clips')
    if found.untested:
        print(f'The test list has no clips of {", ".join(found.untested)}, so there will be no '
              f'figures: add some to {found.lists["test"]} and leave out --no-validate')
    print('Learn them with\n  ' + shlex.join([
        'python', 'tools/train.py', str(found.run.config), '--grow', str(found.run.checkpoint),
        '--known', *found.known, '--work-dir', os.path.join(folder, 'grown'),
        *(['--no-validate'] if found.untested else []), '--cfg-options',
        *(f'{key}={",".join(map(str, value)) if isinstance(value, list) else value}'
          for key, value in found.options.items())]))


def main():
    args = parse_args()
    apply(args.apply, args.cfg_options) if args.apply is not None else find(args)


if __name__ == '__main__':
    run_tool(main)
