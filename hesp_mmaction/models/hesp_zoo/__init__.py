"""The small HESP shipped in the package, made by ``tools/dev/make_embedded_model.py``.

A file of weights is a checkpoint without the parts that only training needs. It holds tensors, and
in its header, as JSON, the entry that ``OpenSetHook`` writes into checkpoints (the known names and
others). ``weight_files.read_file`` reads it, as any other checkpoint.
"""
import json
from pathlib import Path

from safetensors.torch import save_file

CONFIG = 'hesp_synthetic_o43.py'
WEIGHTS = str(Path(__file__).parent / 'small_face_hesp.safetensors')


def save_weights(checkpoint, path):
    """Write the weights of a checkpoint and its ``hesp`` entry to a safetensors file.

    Args:
        checkpoint (dict): with ``state_dict`` and ``hesp``.
        path (str | Path): of the file.
    """
    weights = {key: value.contiguous() for key, value in checkpoint['state_dict'].items()}
    save_file(weights, path, dict(hesp=json.dumps(checkpoint['hesp'])))
