"""Measure how well the small CLIP, frozen, tells emotions: by its texts and by a linear probe.

    python tools/dev/check_small_clip.py data/synthetic_afew

DATA_DIR is in AFEW's layout. The small CLIP should be to drawn faces what CLIP is to real ones:
zero-shot well above chance yet far from good, with features that hold much more than that.
"""
import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import torch
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from hesp_mmaction.datasets.emotions import BASIC, canonical, prompt_word
from hesp_mmaction.datasets.video import Video
from hesp_mmaction.models.clip_zoo import packing

ZOO = Path(packing.__file__).parent
# The five O(3:4) protocols: the known classes.
SPLITS = (('disgust', 'fear', 'happiness'), ('anger', 'disgust', 'neutral'),
          ('fear', 'happiness', 'sadness'), ('happiness', 'neutral', 'surprise'),
          ('neutral', 'sadness', 'surprise'))


def load_small_clip(folder):
    """Load the packed CLIP of a folder.

    Args:
        folder (Path): the folder.

    Returns:
        open_clip.CLIP: in eval mode.
    """
    config = json.loads((folder / 'small_face_clip.json').read_text(encoding='utf-8'))
    packed = load_file(folder / 'small_face_clip.safetensors')
    model = CLIP(**config)
    model.load_state_dict(packing.unpack(packed, config['text_cfg']['vocab_size']))
    return model.eval()


@torch.no_grad()
def clip_features(model, path):
    """Compute the mean feature of eight frames of a video.

    Args:
        model (open_clip.CLIP): the small CLIP.
        path (Path): the video.

    Returns:
        Tensor: (embed_dim,).
    """
    video = Video(str(path))
    rows = [int((i + .5) * len(video) / 8) for i in range(8)]
    size = model.visual.image_size
    frames = np.stack([cv2.resize(video[k], (size, size), interpolation=cv2.INTER_AREA)
                       for k in rows])
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))
    return model.encode_image((images - mean) / std).mean(0)


def read_set(model, folder):
    """Compute the features of a folder of class folders.

    Args:
        model (open_clip.CLIP): the small CLIP.
        folder (Path): the folder.

    Returns:
        tuple[Tensor, np.ndarray]: features (n, embed_dim) and class numbers (n,).
    """
    paths = sorted(folder.glob('*/*.avi'))
    if not paths:
        raise SystemExit(f'error: no clips in {folder}: DATA_DIR is a folder made by '
                         'tools/data/make_synthetic.py --layout afew')
    labels = [BASIC.index(canonical(path.parent.name)) for path in paths]
    return torch.stack([clip_features(model, path) for path in paths]), np.array(labels)


@torch.no_grad()
def zero_shot_scores(model, features):
    """Compute the logits of all emotions, by one sentence for each.

    Args:
        model (open_clip.CLIP): the small CLIP.
        features (Tensor): (n, embed_dim).

    Returns:
        np.ndarray: (n, 7), 100 * cosine.
    """
    tokenizer = SimpleTokenizer(context_length=model.context_length)
    texts = [f'a photo of a {prompt_word(name)} expression' for name in BASIC]
    words = model.encode_text(tokenizer(texts), normalize=True)
    return (100 * F.normalize(features, dim=1) @ words.T).numpy()


def open_set(scores, labels, known, score=None):
    """Compute AUROC and OSCR.

    Args:
        scores (np.ndarray): (n, K) for K known emotions.
        labels (np.ndarray): (n,) class numbers.
        known (Sequence[int]): the K class numbers of the known emotions.
        score (np.ndarray, optional): (n,) bigger is more known. Defaults to None: the maximum of
            ``scores``.

    Returns:
        np.ndarray: (2,) in percent.
    """
    score = scores.max(1) if score is None else score
    is_known = np.isin(labels, known)
    correct = np.array(known)[scores.argmax(1)[is_known]] == labels[is_known]
    inside, outside = score[is_known][:, None], score[~is_known][None]
    wins = (inside > outside) + .5 * (inside == outside)
    return 100 * np.array([roc_auc_score(is_known, score), (correct * wins.mean(1)).mean()])


def probe(features, labels):
    return LogisticRegression(C=.3, max_iter=2000).fit(features, labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('data_dir', type=Path, metavar='DATA_DIR')
    parser.add_argument('--zoo', type=Path, default=ZOO, help='folder of another small CLIP')
    args = parser.parse_args()
    model = load_small_clip(args.zoo)
    train, train_labels = read_set(model, args.data_dir / 'Train_AFEW')
    test, labels = read_set(model, args.data_dir / 'Val_AFEW')
    scores = zero_shot_scores(model, test)
    # Unit length times sqrt(dim): entries of about 1, whatever length the tower's features have.
    unit = [F.normalize(x, dim=1).numpy() * x.shape[1] ** .5 for x in (train, test)]

    def percent(hits):
        return ' '.join(f'{name} {100 * hits[labels == k].mean():.0f}'
                        for k, name in enumerate(BASIC))

    hits = scores.argmax(1) == labels
    print(f'zero-shot accuracy {100 * hits.mean():.1f} %  ({percent(hits)})')
    hits = probe(unit[0], train_labels).predict(unit[1]) == labels
    print(f'linear probe accuracy {100 * hits.mean():.1f} %  ({percent(hits)})')

    results = {'zero-shot': [], 'probe, max logit': [], 'probe, max probability': []}
    for names in SPLITS:
        known = [BASIC.index(name) for name in names]
        rows = np.isin(train_labels, known)
        model_k = probe(unit[0][rows], train_labels[rows])
        logits = model_k.decision_function(unit[1])
        results['zero-shot'].append(open_set(scores[:, known], labels, known))
        results['probe, max logit'].append(open_set(logits, labels, known))
        results['probe, max probability'].append(
            open_set(logits, labels, known, model_k.predict_proba(unit[1]).max(1)))
    for name, values in results.items():
        auroc, oscr = np.mean(values, 0)
        print(f'{name}: AUROC {auroc:.1f}, OSCR {oscr:.1f} (mean of {len(SPLITS)} splits O(3:4))')


if __name__ == '__main__':
    main()
