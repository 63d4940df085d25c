"""CLIPs of a few thousand weights, in both forms, for tests."""
import json

TEXT = dict(context_length=40, vocab_size=49408, width=16, heads=2, layers=2)
VIT = dict(embed_dim=12, quick_gelu=True, text_cfg=TEXT, vision_cfg=dict(
    image_size=32, layers=2, width=16, head_width=8, patch_size=8))
RESNET = dict(embed_dim=12, quick_gelu=True, text_cfg=TEXT, vision_cfg=dict(
    image_size=64, layers=[1, 1, 1, 1], width=8, head_width=32, patch_size=None))
SIZES = dict(vit=32, resnet=64)


def write(folder):
    """Write both configs; gives dict(vit=..., resnet=...) of arguments for ``load_clip``."""
    for name, config in dict(vit=VIT, resnet=RESNET).items():
        (folder / f'{name}.json').write_text(json.dumps(config))
    return {name: dict(arch=str(folder / f'{name}.json')) for name in ('vit', 'resnet')}
