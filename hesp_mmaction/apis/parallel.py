"""Where the runs of a protocol are executed: one after the other, side by side, or on a cluster."""
import multiprocessing
import multiprocessing.connection
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

import torch
from tqdm import tqdm

from ..errors import InputError

T = TypeVar('T')


def run_here(function: Callable[..., T], jobs: Sequence[dict]) -> list[T]:
    """Call ``function(**job)`` for every job, one after the other: a list of its results."""
    return [function(**job) for job in tqdm(jobs, unit='run')]


def run_side_by_side(function: Callable[..., T], jobs: Sequence[dict], processes: int) -> list[T]:
    """The same in several processes, each with its share of the cores.

    When one fails, those that run are waited for and the error is raised.
    """
    threads = max(1, torch.get_num_threads() // processes)
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context('spawn'),
                               initializer=_begin, initargs=(threads,))
    with pool, tqdm(total=len(jobs), unit='run') as bar:
        futures = [pool.submit(function, **job) for job in jobs]
        for future in as_completed(futures):
            if future.exception() is not None:
                pool.shutdown(cancel_futures=True)
            future.result()
            bar.update()
    return [future.result() for future in futures]


def _begin(threads: int) -> None:
    """In a new process: its threads, and that it ends with the process that started it."""
    torch.set_num_threads(threads)
    os.environ['OMP_NUM_THREADS'] = str(threads)
    parent: Any = multiprocessing.parent_process()

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def run_on_cluster(function: Callable[..., T], jobs: Sequence[dict], folder: str,
                   cluster: str = 'slurm', **parameters: Any) -> list[T]:
    """The same as SLURM jobs, through submitit; waits for them.

    Args:
        folder (str): of submitit's logs. cluster (str): ``'slurm'``, or ``'local'`` to try it.
        parameters: submitit's, such as ``slurm_partition='gpu'``, ``timeout_min=120``.
    """
    try:
        import submitit
    except ImportError as error:
        raise InputError('running on a cluster needs submitit: pip install submitit') from error
    executor = submitit.AutoExecutor(folder=folder, cluster=cluster)
    executor.update_parameters(**parameters)
    with executor.batch():
        submitted = [executor.submit(function, **job) for job in jobs]
    return [job.result() for job in tqdm(submitted, unit='run')]


def run_guarded(function: Callable[[Any], T], items: Sequence, processes: int,
                timeout: float) -> Iterator[tuple[Any, T | None, str | None]]:
    """Call ``function(item)`` in processes that may crash or hang without harm to the others.

    A process takes one item after the other; one that crashes, or takes longer than ``timeout``
    seconds for an item, is ended and replaced. Processes are forked, so nothing is imported anew.

    Yields:
        tuple: item, result (or None) and what went wrong (or None), as soon as it is known.
    """
    context = multiprocessing.get_context('fork')
    waiting = list(reversed(items))
    busy: dict[Any, tuple[Any, Any, float]] = {}
    idle: list[tuple[Any, Any]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                pipe, process = idle.pop() if idle else _start(context, function)
                item = waiting.pop()
                pipe.send(item)
                busy[pipe] = process, item, time.monotonic() + timeout
            patience = min(deadline for _, _, deadline in busy.values()) - time.monotonic()
            ready: list[Any] = multiprocessing.connection.wait(list(busy), max(0, patience))
            for pipe in ready:
                process, item, _ = busy.pop(pipe)
                try:
                    result, trouble = pipe.recv()
                    idle.append((pipe, process))
                except EOFError:
                    process.join()
                    result, trouble = None, f'the process crashed (exit code {process.exitcode})'
                yield item, result, trouble
            for pipe in [p for p, (_, _, end) in busy.items() if end <= time.monotonic()]:
                process, item, _ = busy.pop(pipe)
                process.kill()
                yield item, None, f'not done after {timeout} s'
    finally:
        for process in [p for p, _, _ in busy.values()] + [p for _, p in idle]:
            process.kill()


def _start(context: Any, function: Callable[[Any], Any]) -> tuple[Any, Any]:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(function, theirs), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _serve(function: Callable[[Any], Any], pipe: Any) -> None:
    torch.set_num_threads(1)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            answer: tuple[Any, str | None] = function(item), None
        except Exception as error:  # whatever it is, it belongs to this item alone
            answer = None, f'{type(error).__name__}: {error}'
        pipe.send(answer)
