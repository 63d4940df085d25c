"""Training and testing from the command line, as tools/train.py and tools/test.py do it."""
import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from ..compat.launching import ddp_wrapper_cfg, end_dist, init_dist
from ..engine import QuietRunner
from ..errors import InputError
from .configs import KeyValue, config_word, load_config
from .determinism import no_deterministic_kernel, prepare_determinism
from .emotion_wiring import keep_emotions
from .inputs import check_inputs
from .loading import prepare_loading
from .tasks import TASKS, choose_data

# Errors that mean "this input cannot be used": shown as one line, without a traceback.
USER_ERRORS = (InputError, OSError, UnpicklingError)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Make the parser of the flags that both tools take. Their names are those of MMAction2.

    Args:
        description (str | None): the text above the flags.

    Returns:
        argparse.ArgumentParser: the parser. A tool may add flags.
    """
    result = argparse.ArgumentParser(description=description)
    result.add_argument('config', type=config_word, help='config file, or the name of one of ours')
    result.add_argument('--work-dir', type=os.path.expanduser,
                        help='folder of logs, checkpoints and results; '
                        'default: work_dirs/<name of the config>')
    result.add_argument('--known', nargs='+', metavar='NAME',
                        help='the known emotions, in order; another word becomes an emotion')
    result.add_argument('--task', help='put the method on the data of a task: '
                        f'{", ".join(TASKS)}; default: the data of the config')
    result.add_argument('--openness', metavar='KNOWN:UNKNOWN',
                        help='such as 5:2; default: the one that the config names')
    result.add_argument('--split', type=int, help='one of the published splits, 0 to 4; of a '
                        'closed set with folds, one of these, 1 to 5')
    result.add_argument('--seed', type=int, help='random seed')
    result.add_argument('--deterministic', action='store_true',
                        help='only deterministic algorithms: two runs are equal to the bit')
    result.add_argument('--amp', action='store_true',
                        help='mixed precision: the backbone in bfloat16, or float16 on GPUs '
                        'without it')
    result.add_argument('--compile', action='store_true',
                        help='compile the frozen image tower (torch.compile)')
    result.add_argument('--cfg-options', nargs='+', action=KeyValue,
                        help='override settings of the config: key=value, a.b=value')
    result.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    result.add_argument('--local_rank', '--local-rank', type=int, default=0)
    return result


def read_config(args: argparse.Namespace) -> Config:
    """Read the config that a command line names, with all its changes, ready for mmengine's Runner.

    Args:
        args (argparse.Namespace): the parsed flags of ``parser``.

    Returns:
        mmengine.Config: the config.

    Raises:
        InputError: the config does not exist, or a flag does not fit it.
    """
    if 'LOCAL_RANK' not in os.environ:
        os.environ['LOCAL_RANK'] = str(args.local_rank)
    cfg = load_config(args.config)
    choose_data(cfg, args.cfg_options, args.task, args.openness, args.split, args.known)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = os.path.join('work_dirs', Path(args.config).stem)
    if args.seed is not None:
        cfg.randomness.seed = args.seed
    if args.deterministic:
        cfg.randomness.deterministic = True
    for flag in ('amp', 'compile'):
        if getattr(args, flag):
            cfg.setdefault('precision', {})[flag] = True
    if 'precision' in cfg and all(hook['type'] != 'PrecisionHook'
                                  for hook in cfg.setdefault('custom_hooks', [])):
        cfg.custom_hooks.append(dict(type='PrecisionHook'))  # a config that knows nothing of it
    prepare_determinism(cfg)
    if cfg.launcher != 'none':
        init_dist(cfg.launcher)
        cfg.setdefault('model_wrapper_cfg', ddp_wrapper_cfg())
    return cfg


def run(cfg: Config, action: Callable[[Runner], Any], loaders: Sequence[str] = ()) -> Any:
    """Check the inputs, build the runner and call ``action(runner)``.

    Results of a run are never deleted. If the run fails before its first step, the new folder with
    its log and a copy of the config is removed.

    Args:
        cfg (mmengine.Config): the config of ``read_config``.
        action (Callable): such as ``lambda runner: runner.train()``.
        loaders (Sequence[str]): the names of the loaders that it needs. Their folders and lists are
            checked first. Defaults to none.

    Returns:
        Any: what ``action`` returns.

    Raises:
        InputError: the input cannot be used.
    """
    check_inputs(cfg, loaders)
    keep_emotions(cfg)
    prepare_loading(cfg, loaders)
    work_dir, first = Path(cfg.work_dir), FirstStep()
    new = not work_dir.exists()
    try:
        # mmengine's FlexibleRunner, for its strategies, where the config asks for it.
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else QuietRunner.from_cfg(cfg)
        runner.register_hook(first, 'VERY_HIGH')
        return action(runner)
    except Exception:
        if new and not first.done and is_main_process():
            remove_start(work_dir)
        raise


class FirstStep(Hook):
    """Notes that the first step of any loop has begun."""
    done = False

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        self.done = True

    before_val_iter = before_test_iter = before_train_iter


def remove_start(folder: Path) -> None:
    """Delete what mmengine writes before the first step, and then the empty folders.

    Args:
        folder (Path): a work dir. Any other file in it stays, and so does its folder.
    """
    files = [*folder.glob('*.py'), *folder.glob('*/*.log'), *folder.glob('*/vis_data/*.py')]
    files += [file for file in folder.glob('*/vis_data/*.json') if not file.stat().st_size]
    for file in files:
        file.unlink()
    for place in (*folder.glob('*/vis_data'), *folder.glob('*'), folder):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def run_tool(main: Callable[[], Any]) -> None:
    """Run the ``main()`` of a tool. An error of input becomes one line and exit code 1.

    Args:
        main (Callable): the function, without arguments.
    """
    if not gc.get_freeze_count():
        # mmengine collects garbage for each data set: a quarter of a second for what is imported,
        # which never is any.
        gc.freeze()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):  # a file name that is not UTF-8 can be printed, too
            stream.reconfigure(errors='backslashreplace')
    try:
        main()
        end_dist()
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except USER_ERRORS as error:
        sys.exit(f'error: {one_line(error)}')
    except RuntimeError as error:
        message = no_deterministic_kernel(error)
        if message is None:
            raise
        sys.exit(f'error: {message}')
    except (KeyError, TypeError) as error:
        said = str(error.args[0]) if error.args else ''
        if '__init__() got an unexpected keyword' not in said and ' registry.' not in said:
            raise
        # Of a part of the config: no class of that name, or an argument that it does not take.
        message = f'in the config: {" ".join(said.split())}'
        sys.exit(f'error: {message}')


def one_line(error: Exception) -> str:
    """Turn an error of input into one line, without the place in the code.

    Args:
        error (Exception): the error.

    Returns:
        str: the line.
    """
    message = str(error).strip()
    if 'Traceback' in message:  # from a worker of a loader: the last line is the error itself
        message = message.splitlines()[-1].partition(': ')[2]
    elif isinstance(error, OSError) and error.filename is not None and error.strerror:
        message = f'{error.filename}: {error.strerror}'
    return message
