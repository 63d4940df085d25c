"""The whole config as a training would use it, to see what flags change.

    python tools/analysis/print_config.py CONFIG [options of tools/train.py]
"""
from hesp_mmaction.apis.running import parser, read_config, run_tool


def main():
    print(read_config(parser(__doc__).parse_args()).pretty_text)


if __name__ == '__main__':
    run_tool(main)
