"""What the tests of the tools share."""
import json

import pytest
import torch

VIT = dict(embed_dim=12, quick_gelu=True,
           text_cfg=dict(context_length=40, vocab_size=49408, width=16, heads=2, layers=1),
           vision_cfg=dict(image_size=32, layers=2, width=16, head_width=8, patch_size=8))


@pytest.fixture(scope='session')
def options(tiny_afew, tmp_path_factory):
    """--cfg-options that make the AFEW config small: 6 training clips, 14 test clips."""
    arch = tmp_path_factory.mktemp('clip') / 'tiny.json'
    arch.write_text(json.dumps(VIT))
    torch.manual_seed(0)
    from hesp_mmaction.models.clip import load_clip
    weights = arch.with_suffix('.pt')
    torch.save(load_clip(str(arch)).state_dict(), weights)
    return {'data_root': str(tiny_afew), 'image_size': 32, 'clip.arch': str(arch),
            'clip.pretrained': str(weights), 'train_cfg.max_epochs': 2,
            'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': False,
            'val_dataloader.num_workers': 0, 'val_dataloader.persistent_workers': False,
            'test_dataloader.num_workers': 0, 'test_dataloader.persistent_workers': False,
            'train_dataloader.batch_size': 4, 'optim_wrapper.optimizer.lr': 0.1}
