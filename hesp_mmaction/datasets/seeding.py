"""Seeds that depend on the sample and not on the process: the same in any worker or rank."""
import contextlib
import random
import zlib

import numpy as np
import torch


def stable_seed(*parts):
    """Compute a seed that depends only on the parts, not on process or run.

    Args:
        *parts (Any): numbers or text.

    Returns:
        int: in [0, 2**32).
    """
    return zlib.crc32('|'.join(map(str, parts)).encode('utf-8', 'surrogateescape'))


@contextlib.contextmanager
def seeded_rng(seed):
    """Seed ``random``, ``numpy.random`` and torch's CPU generator, and put them back after the
    block.

    Args:
        seed (int): in [0, 2**32).

    Yields:
        None: the block runs.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)  # torch.manual_seed would reset the GPUs' too
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])
