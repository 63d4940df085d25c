"""Scores of heads on CLIP's text: cosines and "This video is not X" texts."""
import torch

from .registry import register_score


@register_score
def mcm(logits_cosine):
    """max_k softmax(cos(f, t_k))_k at temperature 1 (MCM, Ming et al., NeurIPS 2022).

    Args:
        logits_cosine (Tensor): (N, K), CLIP's logits without its scale of about 100.

    Returns:
        Tensor: (N,), from 0 to 1.
    """
    return logits_cosine.softmax(1).max(1).values


@register_score
def gl_mcm(logits_cosine, frame_cosine):
    """``mcm`` plus the largest probability that any class has in any frame (GL-MCM, Miyai et
    al., 2023), both at temperature 1.

    The paper takes the patches of a picture; here the frames of a clip stand in their place.

    Args:
        logits_cosine (Tensor): (N, K), of the feature of the clip.
        frame_cosine (Tensor): (N, T, K), of its frames.

    Returns:
        Tensor: (N,), from 0 to 2.
    """
    return mcm(logits_cosine) + frame_cosine.softmax(2).amax((1, 2))


def _says_yes(logits_known, logits_negative_text):
    """Returns the share (N, K) of the text "X" among "X" and "not X" of each class."""
    return torch.sigmoid(logits_known - logits_negative_text)


@register_score
def not_x_of_predicted(logits_known, logits_negative_text):
    """p_yes of the best known class: CLIPN's competing-to-win (Wang et al., ICCV 2023), with a
    frozen CLIP's "not X" texts in place of a second text encoder.

    Args:
        logits_known (Tensor): (N, K), at CLIP's scale.
        logits_negative_text (Tensor): (N, K), at CLIP's scale.

    Returns:
        Tensor: (N,), from 0 to 1.
    """
    best = logits_known.argmax(1, keepdim=True)
    return _says_yes(logits_known, logits_negative_text).gather(1, best)[:, 0]


@register_score
def not_x_of_all(logits_known, logits_negative_text):
    """sum_k p_k p_yes,k: CLIPN's agreeing-to-differ; see ``not_x_of_predicted``.

    Args:
        logits_known (Tensor): (N, K), at CLIP's scale.
        logits_negative_text (Tensor): (N, K), at CLIP's scale.

    Returns:
        Tensor: (N,), from 0 to 1.
    """
    return (logits_known.softmax(1) * _says_yes(logits_known, logits_negative_text)).sum(1)
