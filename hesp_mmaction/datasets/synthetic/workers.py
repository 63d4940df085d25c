"""Worker processes for drawing."""
import multiprocessing

import cv2


def worker_pool(workers):
    """Start a pool of forked processes, for a ``with`` statement.

    A fresh interpreter would import torch and MMAction2 again. OpenCV's threads do not survive a
    fork, and a child would wait for them for ever. So they are stopped first.

    Args:
        workers (int): number of processes.

    Returns:
        multiprocessing.pool.Pool: the pool.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)        # which the workers inherit
    try:
        return multiprocessing.get_context('fork').Pool(workers)
    finally:
        cv2.setNumThreads(threads)
