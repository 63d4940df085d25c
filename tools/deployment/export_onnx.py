"""Write a trained model as ONNX: python tools/deployment/export_onnx.py CONFIG CHECKPOINT OUT.onnx

The file includes visual prompt, negatives, texts, head and normalisation. Its metadata hold the
known emotions, the threshold and how frames are sampled. For zero-shot CLIP, leave CHECKPOINT out.
With --check the outputs of ONNX Runtime and PyTorch are compared on video files.
"""
import argparse
import os
from pathlib import Path

from hesp_mmaction.apis.configs import KeyValue
from hesp_mmaction.apis.export import differences, export
from hesp_mmaction.apis.running import run_tool


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', nargs='?')
    parser.add_argument('out', type=os.path.expanduser,
                        help='file to be written')
    parser.add_argument('--check', nargs='+', metavar='CLIP', help='video files to compare on')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value, a.b=value')
    args = parser.parse_args()
    model, cfg, metadata = export(args.config, args.checkpoint, args.out, args.cfg_options)
    print(f'{args.out}: {Path(args.out).stat().st_size / 1e6:.1f} MB, one clip of '
          f'{metadata["num_frames"]} frames of {metadata["image_size"]} pixels; known: '
          f'{", ".join(metadata["known"])}; threshold {metadata["threshold"]}')
    if args.check:
        print(f'largest difference between PyTorch and ONNX Runtime on {len(args.check)} clips:')
        for name, value in differences(model, cfg, args.out, args.check).items():
            print(f'  {name:14s} {value:.2g}')


if __name__ == '__main__':
    run_tool(main)
