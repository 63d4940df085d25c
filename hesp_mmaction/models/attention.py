"""Attention: a transformer block of ours, and CLIP's, opened up so that tokens may see more."""
import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention


def attend(query, key, value, heads):
    """Attention of (N, L, C) over (N, M, C), all projected: (N, L, C)."""
    query, key, value = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    return scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)). (B, N, C) to the same."""

    def __init__(self, dim, heads, dim_head, mlp_dim):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * heads * dim_head, bias=False)
        self.out = nn.Linear(heads * dim_head, dim)
        self.mlp = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, mlp_dim), nn.GELU(),
                                 nn.Linear(mlp_dim, dim))

    def forward(self, x):
        x = x + self.out(attend(*self.qkv(self.norm(x)).chunk(3, 2), self.heads))
        return x + self.mlp(x)


def keep(x):
    """What does not widen."""
    return x


def run_block(block, x, widen=keep):
    """A block of open_clip's ViT, keys and values of its attention passed through ``widen``.

    Args:
        block (ResidualAttentionBlock). x (Tensor): tokens (N, L, C). widen (Callable):
        (N, L, C) to (N, M, C).

    Returns:
        Tensor: (N, L, C); without ``widen`` what the block itself gives.
    """
    attn = block.attn
    query, key, value = linear(block.ln_1(x), attn.in_proj_weight, attn.in_proj_bias).chunk(3, 2)
    attended = attend(query, widen(key), widen(value), attn.num_heads)
    x = x + block.ls_1(attn.out_proj(attended))
    return x + block.ls_2(block.mlp(block.ln_2(x)))


def pool_tokens(pool, maps):
    """Maps (N, C, h, w) to the tokens of CLIP's attention pooling (N, 1 + h * w, C): mean first."""
    tokens = maps.flatten(2).transpose(1, 2)
    return torch.cat([tokens.mean(1, keepdim=True), tokens], 1) + pool.positional_embedding


def run_pool(pool, tokens, widen=keep):
    """CLIP's attention pooling of tokens (N, L, C) to (N, D): the first one looks at all."""
    key, value = widen(pool.k_proj(tokens)), widen(pool.v_proj(tokens))
    return pool.c_proj(attend(pool.q_proj(tokens[:, :1]), key, value, pool.num_heads))[:, 0]
