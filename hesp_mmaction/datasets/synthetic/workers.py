"""Worker processes for drawing."""
import multiprocessing

import cv2


def worker_pool(workers):
    """A pool of forked processes, to be used in a ``with`` statement.

    Forked, because a fresh interpreter would import torch and MMAction2 again. OpenCV's threads do
    not survive a fork and a child would wait for them for ever, so they are stopped before it.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)        # which the workers inherit
    try:
        return multiprocessing.get_context('fork').Pool(workers)
    finally:
        cv2.setNumThreads(threads)
