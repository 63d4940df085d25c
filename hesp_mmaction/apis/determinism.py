"""Runs that can be repeated to the bit."""
import os

from mmengine.config import Config

WORKSPACE = 'CUBLAS_WORKSPACE_CONFIG'
DETERMINISTIC = (':4096:8', ':16:8')  # the two values that PyTorch takes as deterministic


def prepare_determinism(cfg: Config) -> None:
    """Set what a deterministic run needs before CUDA starts.

    mmengine does the rest when the runner is built: ``torch.use_deterministic_algorithms``,
    ``torch.backends.cudnn.deterministic`` and no search for the fastest convolution. cuBLAS reads
    its variable of the environment only once, at the first matrix product on the GPU. It is
    therefore set here. A value that PyTorch would refuse is replaced.

    Args:
        cfg (mmengine.Config): the config of a run. Nothing happens unless it has
            ``randomness.deterministic=True``, which ``--deterministic`` sets.
    """
    asked = cfg.get('randomness', {}).get('deterministic', False)
    if asked and os.environ.get(WORKSPACE) not in DETERMINISTIC:
        os.environ[WORKSPACE] = DETERMINISTIC[0]


def no_deterministic_kernel(error: Exception) -> str | None:
    """Explain that an operation has no deterministic kernel.

    Args:
        error (Exception): any error of a run.

    Returns:
        str | None: a sentence with the operation and the remedy; None if the error is another one.
    """
    operation, found, _ = str(error).partition(' does not have a deterministic implementation')
    if not found:
        return None
    return (f'{operation.split()[-1]} has no deterministic kernel on this GPU: leave '
            '--deterministic (randomness.deterministic) out, or choose another backbone or neck')
