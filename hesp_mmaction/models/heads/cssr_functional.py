"""CSSR's formulas (Huang et al., TPAMI 2022) on maps of features, as functions."""
import torch

POWER = 8  # of the Gram matrices


def reconstruction_errors(maps, encoders, decoders):
    """e_k(u) = || x(u) - D_k tanh(E_k x(u)) ||_1 of every class's auto-encoder, at every place.

    Args:
        maps (Tensor): x (B, C, N), N places.
        encoders (tuple[Tensor]): weights (K, L, C) and biases (K, L).
        decoders (tuple[Tensor]): weights (K, C, L) and biases (K, C).

    Returns:
        Tensor: (B, K, N).
    """
    weight, bias = encoders
    latent = torch.einsum('klc,bcn->bkln', weight, maps) + bias[None, :, :, None]
    weight, bias = decoders
    again = torch.einsum('kcl,bkln->bkcn', weight, latent.tanh()) + bias[None, :, :, None]
    return (maps[:, None] - again).abs().sum(2)


def place_probabilities(logits):
    """Softmax over the classes at every place, then the mean over places. (B, K, N) to (B, K)."""
    return logits.softmax(1).mean(2)


def gram(maps, power=POWER):
    """Root of the sum over places of x^p x^pT, p even: how channels act together. (B, C, N) to
    (B, C, C)."""
    powered = maps.pow(power)
    return torch.einsum('bcn,bdn->bcd', powered, powered).clamp_min(1e-20).pow(1 / power)


def activation_score(maps, prototypes):
    """Mean over places of the map weighted by the class's mean map. (B, C, N), (B, C) to (B,)."""
    return (maps.mean(2) * prototypes).sum(1)


def gram_score(maps, grams):
    """Cosine between a sample's Gram matrix and that of its class. (B, C, N), (B, C, C) to (B,)."""
    return torch.cosine_similarity(gram(maps).flatten(1), grams.flatten(1))
