"""One HTML page with all figures and tables of an evaluation, readable without a server.

    python tools/analysis/make_report.py WORK_DIR --data-root data/AFEW
    python tools/analysis/make_report.py WORK_DIR --data-root data/AFEW --mafw-root data/MAFW
"""
import argparse
import os
from pathlib import Path

from hesp_mmaction.apis.results import read_metrics, read_run
from hesp_mmaction.apis.running import run_tool
from hesp_mmaction.visualization.report_page import report_page


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dir', help='folder with predictions.npz and metrics.json')
    parser.add_argument('--data-root', type=os.path.expanduser,
                        help='folder of the clips, to show frames')
    parser.add_argument('--mafw-root', help='folder of MAFW, for a run on AFEW with MAFW')
    parser.add_argument('--out', type=os.path.expanduser,
                        help='the page; default: report.html in the work dir')
    args = parser.parse_args()
    folder = Path(args.work_dir)
    dump = read_run(folder)
    text = report_page(folder.resolve().name, dump, read_metrics(folder), args.data_root,
                       args.mafw_root)
    out = Path(args.out or folder / 'report.html')
    out.write_text(text, encoding='utf-8')
    print(out)


if __name__ == '__main__':
    run_tool(main)
