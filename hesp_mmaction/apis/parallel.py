"""Where the runs of a protocol are executed: one after the other, side by side, or on a cluster."""
import itertools
import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from ..errors import InputError

T = TypeVar('T')
VISIBLE = 'CUDA_VISIBLE_DEVICES'
GRACE = 60  # seconds in which a run whose parent is gone may save
JOBS = 'HESP_JOBS'  # of the environment of a run: how many run at a time


def run_here(function: Callable[..., T], jobs: Sequence[dict]) -> list[T]:
    """Call a function for every job, one after the other.

    Args:
        function (Callable): the function.
        jobs (Sequence[dict]): its arguments, a dict per call.

    Returns:
        list: its results, in the order of ``jobs``.
    """
    return [function(**job) for job in tqdm(jobs, unit='run')]


def run_side_by_side(function: Callable[..., T], jobs: Sequence[dict], processes: int) -> list[T]:
    """Call a function for every job, in several processes with a share of the cores and one GPU.

    The cards of ``visible_cards`` are dealt out in turn, and each process only sees its own. If a
    job fails, the function waits for the jobs that have begun, and then raises the error.

    Args:
        function (Callable): the function. It is pickled, and so are the jobs.
        jobs (Sequence[dict]): its arguments, a dict per call.
        processes (int): how many jobs run at a time. With 1 they run in this process.

    Returns:
        list: its results, in the order of ``jobs``.
    """
    if processes <= 1:
        return run_here(function, jobs)
    threads = max(1, torch.get_num_threads() // processes)
    pool = ProcessPoolExecutor(processes, OnCards(visible_cards()), initializer=_begin,
                               initargs=(threads, processes))
    with pool, tqdm(total=len(jobs), unit='run') as bar:
        futures = [pool.submit(function, **job) for job in jobs]
        for future in as_completed(futures):
            if future.exception() is not None:
                pool.shutdown(cancel_futures=True)
            future.result()
            bar.update()
    return [future.result() for future in futures]


def visible_cards() -> list[str]:
    """List the GPUs of this process, as ``CUDA_VISIBLE_DEVICES`` names them.

    Returns:
        list[str]: the entries of that variable (numbers or UUIDs) if it is set, else ``'0'``,
        ``'1'`` and so on, one per GPU. Empty without a GPU.
    """
    named = os.environ.get(VISIBLE)
    count = torch.cuda.device_count()
    entries = named.split(',') if named is not None else map(str, range(count))
    return [entry.strip() for entry in entries][:count]


class OneCard(SpawnProcess):
    """A process that starts with one GPU in its environment.

    The variable must be set before the process starts, because mmengine asks for GPUs when it is
    imported, and CUDA does not read the variable again.
    """
    card: str | None = None

    def start(self) -> None:
        before = os.environ.get(VISIBLE)
        if self.card is not None:
            os.environ[VISIBLE] = self.card
        try:
            super().start()
        finally:
            if before is not None:
                os.environ[VISIBLE] = before
            else:
                os.environ.pop(VISIBLE, None)


class OnCards(SpawnContext):
    """Starts processes on cards in turn.

    Args:
        cards (Sequence[str]): the result of ``visible_cards``. Empty: the environment is unchanged.
    """

    def __init__(self, cards: Sequence[str]):
        self._turn: Iterator[str | None] = itertools.cycle(cards or [None])

    def Process(self, *args: Any, **kwargs: Any) -> OneCard:  # type: ignore[override]
        process = OneCard(*args, **kwargs)
        process.card = next(self._turn)
        return process


def _begin(threads: int, processes: int) -> None:
    """Set the threads of a new process, and let it end with the process that started it."""
    torch.set_num_threads(threads)
    os.environ.update({'OMP_NUM_THREADS': str(threads), JOBS: str(processes)})
    parent: Any = multiprocessing.parent_process()

    def end_with_parent() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)  # a training saves and ends, all else ends
        time.sleep(GRACE)
        os._exit(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def run_on_cluster(function: Callable[..., T], jobs: Sequence[dict], folder: str,
                   cluster: str = 'slurm', **parameters: Any) -> list[T]:
    """Call a function for every job as a SLURM job, through submitit, and wait.

    If a job fails, the function still waits for the others. What they write is kept.

    Args:
        function (Callable): the function. It is pickled, and so are the jobs.
        jobs (Sequence[dict]): its arguments, a dict per call.
        folder (str): the folder of submitit's logs.
        cluster (str): ``'slurm'``, or ``'local'`` to try it out. Defaults to ``'slurm'``.
        **parameters (Any): parameters of submitit, such as ``slurm_partition='gpu'`` or
            ``timeout_min=120``.

    Returns:
        list: its results, in the order of ``jobs``.

    Raises:
        InputError: submitit is not installed, or some jobs failed. The message then says how many,
            and shows the first error and its log.
    """
    try:
        import submitit
    except ImportError as error:
        raise InputError('running on a cluster needs submitit: pip install submitit') from error
    executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
    executor.update_parameters(**parameters)
    with executor.batch():
        submitted = [executor.submit(function, **job) for job in jobs]
    results, failed = [], []
    for job in tqdm(submitted, unit='run'):
        try:
            results.append(job.result())
        except Exception as error:  # whatever happened to it, the others go on
            failed.append((job, error))
    if failed:
        job, reason = failed[0]
        # submitit puts the whole traceback into its message
        said = re.findall(r'^[\w.]+: (.+)', str(reason), re.MULTILINE) or [type(reason).__name__]
        raise InputError(f'{len(failed)} of {len(jobs)} runs failed; the first: {said[-1]} '
                         f'(its log: {job.paths.stderr}); the others are done: give the same '
                         'command again for those that are missing')
    return results
