"""The transformer of CLIP's image tower in float64 numpy, a head and a frame at a time."""
import numpy as np


def arrays(module):
    """Name to numpy array of a module's parameters."""
    return {name: p.detach().double().numpy() for name, p in module.named_parameters()}


def norm(x, w, name):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * w[f'{name}.weight'] + w[f'{name}.bias']


def attention(query, key, value, heads):
    """(L, C), (M, C), (M, C) to (L, C)."""
    side = query.shape[1] // heads
    found = []
    for h in range(heads):
        part = slice(h * side, (h + 1) * side)
        scores = np.exp(query[:, part] @ key[:, part].T / side ** 0.5)
        found.append(scores / scores.sum(1, keepdims=True) @ value[:, part])
    return np.concatenate(found, 1)


def block(x, w, heads, neighbours=()):
    """A ViT block with QuickGELU on one frame's tokens (L, C).

    ``neighbours``: tokens of other frames, None for one that is not there (keys, values zero).
    """
    weight, bias = w['attn.in_proj_weight'], w['attn.in_proj_bias']

    def project(tokens):
        return np.split(norm(tokens, w, 'ln_1') @ weight.T + bias, 3, axis=1)

    query, key, value = project(x)
    keys, values = [key], [value]
    for other in neighbours:
        _, key, value = (None, 0 * key, 0 * value) if other is None else project(other)
        keys.append(key)
        values.append(value)
    attended = attention(query, np.concatenate(keys), np.concatenate(values), heads)
    x = x + attended @ w['attn.out_proj.weight'].T + w['attn.out_proj.bias']
    inner = norm(x, w, 'ln_2') @ w['mlp.c_fc.weight'].T + w['mlp.c_fc.bias']
    inner = inner / (1 + np.exp(-1.702 * inner))
    return x + inner @ w['mlp.c_proj.weight'].T + w['mlp.c_proj.bias']


def pooled(tokens, w, heads, keys):
    """CLIP's attention pooling: tokens (L, C) of a frame look at ``keys`` (list of (M, C))."""
    def project(x, name):
        return x @ w[f'{name}.weight'].T + w[f'{name}.bias']

    key = np.concatenate([0 * tokens if x is None else project(x, 'k_proj') for x in keys])
    value = np.concatenate([0 * tokens if x is None else project(x, 'v_proj') for x in keys])
    return project(attention(project(tokens[:1], 'q_proj'), key, value, heads), 'c_proj')[0]
