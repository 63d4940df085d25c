"""Train the small CLIP of this package from scratch on drawn faces. It takes about 12 minutes.

    python tools/dev/pretrain_small_clip.py --out hesp_mmaction/models/clip_zoo

Stage one teaches the image tower to see facial actions: a linear layer, which is thrown away later,
regresses the intensities of the FACS units. From captions alone so small a tower learns only hair
and backgrounds. Stage two is CLIP's contrastive training on noisy captions. It keeps a share of
stage one's loss, so that the actions are not forgotten.
"""
import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from torch.nn import functional as F
from tqdm import tqdm

from hesp_mmaction.datasets.emotions import COMPOUNDS, MAFW, PROMPT_WORDS, prompt_word
from hesp_mmaction.datasets.synthetic.actions import UNITS
from hesp_mmaction.datasets.synthetic.captions import EMOTION_FRAMES, WORDS, caption
from hesp_mmaction.datasets.synthetic.pictures import make_pictures
from hesp_mmaction.models.clip_zoo.packing import pack

NAME = 'small_face_clip'
CONFIG = dict(
    embed_dim=128, quick_gelu=True,
    vision_cfg=dict(image_size=96, layers=[1, 2, 2, 1], width=24, patch_size=None),
    text_cfg=dict(context_length=40, vocab_size=49408, width=128, heads=4, layers=3))
FRAMES = EMOTION_FRAMES + ('this video is not {name}.', 'this is not {name}', 'the emotion {name}')
LEARNING_RATE, WEIGHT_DECAY = 1.5e-3, .05
KEEP_ACTIONS = 3.       # weight of stage one's loss in stage two
BATCH = 64


def batch_of(pictures, acts, rows, rng):
    """Make a batch of pictures.

    A random half of the batches is mirrored (the actions too), and all are shifted a little.

    Args:
        pictures (np.ndarray): (n, h, w, 3) uint8.
        acts (np.ndarray): (n, units, 2) float32, the intensities on both sides of the face.
        rows (np.ndarray): the b rows of the batch.
        rng (np.random.Generator): draws the mirroring and the shift.

    Returns:
        tuple[Tensor, Tensor]: normalised pictures (b, 3, h, w) and intensities (b, units * 2).
    """
    images = torch.from_numpy(pictures[rows]).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))
    images, targets = (images - mean) / std, torch.from_numpy(acts[rows])
    if rng.random() < .5:
        images, targets = images.flip(3), targets.flip(2)
    shift = tuple(int(s) for s in rng.integers(-4, 5, 2))
    images = torch.roll(images, shift, (2, 3)).to(memory_format=torch.channels_last)
    return images, targets.flatten(1)


def used_tokens(captions, tokenizer):
    """List the tokens of the captions and of sentences about our emotions.

    Args:
        captions (Sequence[str]): the captions.
        tokenizer (SimpleTokenizer): CLIP's tokenizer.

    Returns:
        Tensor: (n,) int64, sorted ids.
    """
    names = MAFW + COMPOUNDS + tuple(name.replace('_', ' and ') for name in COMPOUNDS)
    words = [*MAFW, *PROMPT_WORDS.values(), *map(prompt_word, COMPOUNDS), *WORDS.values(), *names]
    texts = [*captions, *(f.format(name=w, word=w) for f in FRAMES for w in words)]
    return tokenizer(texts).unique()


def small_clip(vocab):
    """Build the CLIP of ``CONFIG`` with a smaller vocabulary, which is faster to train.

    Args:
        vocab (int): the number of tokens in use.

    Returns:
        open_clip.CLIP: the model.
    """
    return CLIP(**CONFIG | dict(text_cfg=CONFIG['text_cfg'] | dict(vocab_size=vocab)))


def train(model, probe, pictures, acts, epochs, rng, ids=None):
    """Train the model and the probe in place.

    Args:
        model (open_clip.CLIP): the model.
        probe (nn.Linear): from features to intensities.
        pictures (np.ndarray): (n, h, w, 3) uint8.
        acts (np.ndarray): (n, units, 2) float32.
        epochs (int): how many.
        rng (np.random.Generator): draws the order and the augmentation.
        ids (Tensor, optional): (epochs, n, context) int64, the tokens of captions. With them the
            training is contrastive. Defaults to None.
    """
    batches = len(pictures) // BATCH
    steps = epochs * batches
    parameters = [*model.parameters(), *probe.parameters()]
    optimizer = torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=.15)
    model.visual.to(memory_format=torch.channels_last)     # half as long a step
    model.train()
    bar = tqdm(range(steps), 'captions' if ids is not None else 'actions', mininterval=10)
    for step in bar:
        epoch, part = divmod(step, batches)
        if part == 0:
            order = rng.permutation(len(pictures))
        rows = order[part * BATCH:(part + 1) * BATCH]
        images, targets = batch_of(pictures, acts, rows, rng)
        with torch.autocast('cpu', torch.bfloat16):
            features = model.encode_image(images).float()
        loss = actions = F.mse_loss(probe(F.normalize(features, dim=1)), targets)
        if ids is not None:
            words = model.encode_text(ids[epoch, rows], normalize=True)
            logits = model.logit_scale.exp() * F.normalize(features, dim=1) @ words.T
            same = torch.arange(BATCH)
            contrast = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
            loss = contrast + KEEP_ACTIONS * actions / targets.var()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(max=np.log(100))
        if step % 20 == 0:
            shown = {'unexplained': float(actions / targets.var())}
            bar.set_postfix(shown if ids is None else shown | {'contrast': float(contrast)})


def widen(state_dict, used):
    """Put the embeddings of the used tokens at their places in the whole vocabulary.

    Args:
        state_dict (dict[str, Tensor]): the weights of ``small_clip``.
        used (Tensor): (n,) int64, the ids of the used tokens.

    Returns:
        dict[str, Tensor]: the weights for ``CONFIG``.
    """
    rows = state_dict['token_embedding.weight']
    weight = rows.new_zeros(CONFIG['text_cfg']['vocab_size'], rows.shape[1])
    weight[used] = rows
    return state_dict | {'token_embedding.weight': weight}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--out', required=True, metavar='DIR', help='where the two files go')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--quick', action='store_true', help='a tiny run that learns nothing')
    args = parser.parse_args()
    started = time.time()
    count, epochs = (BATCH, 1) if args.quick else (40_000, 1)
    # Two threads wait for each other ten times as long as they work once a machine is busy.
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    rng = np.random.default_rng((71, args.seed))

    pictures, facts = make_pictures(count, args.seed)
    acts = np.stack([fact[1] for fact in facts]).astype(np.float32)
    print(f'{count} pictures after {time.time() - started:.0f} s')
    tokenizer = SimpleTokenizer(context_length=CONFIG['text_cfg']['context_length'])
    captions = [caption(*fact, rng) for _ in range(epochs) for fact in facts]
    used = used_tokens(captions, tokenizer)
    ids = torch.searchsorted(used, tokenizer(captions)).view(epochs, count, -1)

    model, probe = small_clip(len(used)), torch.nn.Linear(CONFIG['embed_dim'], 2 * len(UNITS))
    # Features of length 1 in 128 dimensions are small: a larger start spares the probe long ways.
    torch.nn.init.normal_(probe.weight, std=.3)
    train(model, probe, pictures, acts, epochs, rng)
    print(f'stage one done after {time.time() - started:.0f} s')
    train(model, probe, pictures, acts, epochs, rng, ids)

    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / f'{NAME}.json').write_text(json.dumps(CONFIG, indent=4) + '\n', encoding='utf-8')
    made = (f'tools/dev/pretrain_small_clip.py --seed {args.seed}: {count} drawn faces, '
            f'{epochs} epochs of facial actions, {epochs} of noisy captions')
    save_file(pack(widen(model.state_dict(), used), used.tolist()), out / f'{NAME}.safetensors',
              {'made_by': made})
    print(f'{out / NAME}.safetensors: {len(used)} tokens, {time.time() - started:.0f} s in all')


if __name__ == '__main__':
    main()
