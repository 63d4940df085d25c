"""Variables of the command line, where a test of all configs does not see them."""
from mmengine.config import Config

from hesp_mmaction.apis.wiring import override


def test_an_image_size_leaves_a_resize_that_keeps_the_ratio():
    """Such as before a crop; the square after it has the new size."""
    before = dict(type='Resize', scale=(-1, 256))
    named = dict(type='Resize', scale=(-1, 256), keep_ratio=True)
    square = dict(type='Resize', scale=(224, 224), keep_ratio=False)
    cfg = Config(dict(image_size=224, model=dict(backbone=dict(type='ResNet')),
                      test_dataloader=dict(dataset=dict(type='ListDataset', pipeline=[
                          before, named, dict(type='RandomResizedCrop'), square]))))
    override(cfg, dict(image_size=96))
    scales = [t.get('scale') for t in cfg.test_dataloader.dataset.pipeline]
    assert scales == [(-1, 256), (-1, 256), None, (96, 96)]
