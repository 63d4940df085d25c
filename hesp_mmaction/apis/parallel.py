"""Where the runs of a protocol are executed: one after the other, side by side, or on a cluster."""
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed

import torch
from tqdm import tqdm

from ..errors import InputError


def run_here(function, jobs):
    """Call ``function(**job)`` for every job, one after the other: a list of its results."""
    return [function(**job) for job in tqdm(jobs, unit='run')]


def run_side_by_side(function, jobs, processes):
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


def _begin(threads):
    """In a new process: its threads, and that it ends with the process that started it."""
    torch.set_num_threads(threads)
    os.environ['OMP_NUM_THREADS'] = str(threads)
    parent = multiprocessing.parent_process()

    def end_with_parent():
        parent.join()
        os._exit(1)
    threading.Thread(target=end_with_parent, daemon=True).start()


def run_on_cluster(function, jobs, folder, cluster='slurm', **parameters):
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
