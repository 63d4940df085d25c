"""CSSR's formulas (Huang et al., TPAMI 2022) on maps of features, as functions."""
import torch

POWER = 8  # p of the Gram matrices


def reconstruction_errors(maps, encoders, decoders):
    """Error of every class's auto-encoder at every place, e_k(u) = || x(u) - D_k tanh(E_k x(u))
    ||_1.

    Args:
        maps (Tensor): x (B, C, N), with N places.
        encoders (tuple[Tensor, Tensor]): E, weights (K, L, C) and biases (K, L).
        decoders (tuple[Tensor, Tensor]): D, weights (K, C, L) and biases (K, C).

    Returns:
        Tensor: (B, K, N).
    """
    weight, bias = encoders
    latent = torch.einsum('klc,bcn->bkln', weight, maps) + bias[None, :, :, None]
    weight, bias = decoders
    again = torch.einsum('kcl,bkln->bkcn', weight, latent.tanh()) + bias[None, :, :, None]
    return (maps[:, None] - again).abs().sum(2)


def place_probabilities(logits):
    """Mean over places of the softmax over classes.

    Args:
        logits (Tensor): (B, K, N).

    Returns:
        Tensor: (B, K).
    """
    return logits.softmax(1).mean(2)


def gram(maps, power=POWER):
    """Gram matrices, which say which channels act together.

    Each is the p-th root of the sum over places of x^p x^pT.

    Args:
        maps (Tensor): x (B, C, N).
        power (int): p, an even number. Defaults to 8.

    Returns:
        Tensor: (B, C, C).
    """
    powered = maps.pow(power)
    return torch.einsum('bcn,bdn->bcd', powered, powered).clamp_min(1e-20).pow(1 / power)


def activation_score(maps, prototypes):
    """Mean over places of each map, weighted by the mean map of its class.

    Args:
        maps (Tensor): (B, C, N).
        prototypes (Tensor): (B, C), the mean of the predicted class.

    Returns:
        Tensor: (B,).
    """
    return (maps.mean(2) * prototypes).sum(1)


def gram_score(maps, grams):
    """Cosine between a sample's Gram matrix and that of its class.

    Args:
        maps (Tensor): (B, C, N).
        grams (Tensor): (B, C, C), of the predicted class.

    Returns:
        Tensor: (B,).
    """
    return torch.cosine_similarity(gram(maps).flatten(1), grams.flatten(1))
