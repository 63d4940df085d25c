"""The small CLIP shipped in the package, made by ``tools/pretrain_small_clip.py``."""
