"""Training and testing from the command line: what tools/train.py and tools/test.py share."""
import argparse
import gc
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch.distributed as dist
from mmengine.config import Config, DictAction
from mmengine.dist import is_main_process
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from .. import compat
from ..errors import InputError
from .tasks import find_config
from .wiring import override

# Errors that mean "this input cannot be used": shown as one line, without a traceback.
USER_ERRORS = (InputError, FileNotFoundError, UnpicklingError)


def parser(description: str | None) -> argparse.ArgumentParser:
    """The flags that both tools take, with MMAction2's names and meaning."""
    result = argparse.ArgumentParser(description=description)
    result.add_argument('config', type=find_config, help='config file, or the name of one of ours')
    result.add_argument('--work-dir', help='folder of logs, checkpoints and results; '
                        'default: work_dirs/<name of the config>')
    result.add_argument('--known', nargs='+', metavar='NAME', help='the known emotions, in order')
    result.add_argument('--split', type=int, help='one of the published splits, 0 to 4')
    result.add_argument('--seed', type=int, help='random seed')
    result.add_argument('--deterministic', action='store_true',
                        help='only deterministic algorithms')
    result.add_argument('--cfg-options', nargs='+', action=DictAction,
                        help='override settings of the config: key=value, a.b=value')
    result.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    result.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return result


def read_config(args: argparse.Namespace) -> Config:
    """The config of a command line, ready for mmengine's Runner."""
    if 'LOCAL_RANK' not in os.environ:
        os.environ['LOCAL_RANK'] = str(args.local_rank)
    cfg = Config.fromfile(args.config)
    override(cfg, args.cfg_options, args.known, args.split)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(args.config).stem)
    if args.seed is not None:
        cfg.randomness.seed = args.seed
    if args.deterministic:
        cfg.randomness.deterministic = True
    if cfg.launcher != 'none':
        compat.init_dist(cfg.launcher)
        cfg.setdefault('model_wrapper_cfg', compat.ddp_wrapper_cfg())
    return cfg


def run(cfg: Config, action: Callable[[Runner], Any]) -> Any:
    """Build the runner and call ``action(runner)``.

    A work dir that this run began and that holds no result when the input turns out unusable is
    taken away again.
    """
    new = not Path(cfg.work_dir).exists()
    try:
        # mmengine's FlexibleRunner, for its strategies, where the config asks for it.
        return action(RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg))
    except USER_ERRORS:
        if new and is_main_process() and not list(Path(cfg.work_dir).glob('*.pth')):
            shutil.rmtree(cfg.work_dir, ignore_errors=True)
        raise


def main(command: Callable[[], Any]) -> None:
    """Run a tool's ``command()``; an error of input becomes one line and exit code 1."""
    if not gc.get_freeze_count():
        # mmengine collects garbage for each data set: a quarter of a second for what is imported,
        # which never is any.
        gc.freeze()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):  # a file name that is not UTF-8 can be printed, too
            stream.reconfigure(errors='backslashreplace')
    try:
        command()
        if dist.is_available() and dist.is_initialized():
            dist.destroy_process_group()  # left to the end of Python, gloo's threads may abort it
    except USER_ERRORS as error:
        message = str(error).strip()
        if 'Traceback' in message:  # from a worker of a loader: the last line is the error itself
            message = message.splitlines()[-1].partition(': ')[2]
        sys.exit(f'error: {message}')
