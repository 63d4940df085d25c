"""The small CLIP shipped in the package: its file format, its weights and the tool that made it."""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file

from hesp_mmaction.datasets.emotions import MAFW, PROMPT_WORDS
from hesp_mmaction.datasets.synthetic.clips import make_clip
from hesp_mmaction.models.clip_zoo import packing

ZOO = Path(packing.__file__).parent
ROOT = Path(__file__).parents[2]


def build(folder=ZOO):
    """(CLIP with the weights of a folder, its config)."""
    config = json.loads((folder / 'small_face_clip.json').read_text())
    weights = packing.unpack(load_file(folder / 'small_face_clip.safetensors'),
                             config['text_cfg']['vocab_size'])
    model = CLIP(**config)
    model.load_state_dict(weights)      # strict
    return model.eval(), config


def test_pack_and_unpack_are_inverse():
    weight = torch.zeros(50, 4)
    weight[[3, 7, 49]] = torch.arange(12.).view(3, 4)
    state = {'token_embedding.weight': weight, 'bias': torch.ones(3), 'steps': torch.tensor(5),
             'bn.num_batches_tracked': torch.tensor(9)}
    packed = packing.pack(state, [49, 3, 7, 3])
    assert packed['token_embedding.ids'].tolist() == [3, 7, 49]
    assert packed['token_embedding.rows'].shape == (3, 4)
    assert packed['bias'].dtype == torch.float16 and packed['steps'].dtype == torch.int64
    back = packing.unpack(packed, 50)
    assert set(back) == set(state) - {'bn.num_batches_tracked'}
    assert torch.equal(back['token_embedding.weight'].float(), weight)
    assert 'token_embedding.ids' in packed      # unpack leaves its argument as it is


def test_the_packaged_file_is_small_and_loads_strictly():
    assert (ZOO / 'small_face_clip.safetensors').stat().st_size <= 10e6
    model, config = build()
    assert all(torch.isfinite(p).all() for p in model.parameters())
    tokens = set(load_file(ZOO / 'small_face_clip.safetensors')['token_embedding.ids'].tolist())
    tokenizer = SimpleTokenizer(context_length=config['text_cfg']['context_length'])
    for text in [f'a photo of a {word} expression' for word in PROMPT_WORDS.values()] + [
            f'This video is not {name}.' for name in (*MAFW, *PROMPT_WORDS.values())]:
        assert set(tokenizer(text)[0].tolist()) <= tokens, text


@torch.no_grad()
@pytest.mark.ci
def test_features_separate_emotions():
    """Nearest class mean on other people: far above the chance of one in three."""
    model, _ = build()
    names, features = ('happiness', 'surprise', 'sadness'), {}
    for offset, people in ((0, range(901, 907)), (50, range(907, 913))):
        for k, name in enumerate(names):
            clips = [make_clip(name, person, 10 * k + offset + person, seed=99, size=96)
                     for person in people]
            frames = np.stack([frame for clip in clips for frame in clip[6:16:3]])
            images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
            encoded = model.encode_image((images - .45) / .27).view(len(clips), -1, 128).mean(1)
            features[name, offset] = torch.nn.functional.normalize(encoded, dim=1)
    means = torch.stack([features[name, 0].mean(0) for name in names])
    hits = [torch.cdist(features[name, 50], means).argmin(1) == k
            for k, name in enumerate(names)]
    assert torch.cat(hits).float().mean() > .55


@pytest.mark.slow  # .ci/run runs it all the same
def test_the_tool_writes_both_files(tmp_path):
    command = [sys.executable, ROOT / 'tools/dev/pretrain_small_clip.py', '--quick', '--out',
               tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    model, config = build(tmp_path)
    assert config == json.loads((ZOO / 'small_face_clip.json').read_text())
    assert all(torch.isfinite(p).all() for p in model.parameters())
