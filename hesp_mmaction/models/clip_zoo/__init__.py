"""The small CLIP shipped in the package, made by ``tools/dev/pretrain_small_clip.py``."""
