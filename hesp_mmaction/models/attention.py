"""Attention: a transformer block of ours, and CLIP's, opened up so that tokens may see more."""
import open_clip
import torch
from torch import nn
from torch.nn.functional import linear, scaled_dot_product_attention, silu

# Images that go through an MLP at once on CPUs where no gradient is wanted: their tokens, four
# times wider there, stay in the processor's cache.
PIECE = 32


def attend(query, key, value, heads, seen=None, causal=False):
    """Attention of (N, L, C) over (N, M, C), all projected: (N, L, C).

    ``seen`` (N, L, M), bool, or ``causal`` says what a token looks at; without them at all.
    """
    query, key, value = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    seen = None if seen is None else seen[:, None]
    out = scaled_dot_product_attention(query, key, value, attn_mask=seen, is_causal=causal)
    return out.transpose(1, 2).flatten(2)


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


def run_mlp(block, x):
    """What the MLP of a block of open_clip's towers adds to tokens (N, L, C).

    Its QuickGELU, x sigmoid(1.702 x), is silu(1.702 x) / 1.702. The products before and behind it
    take the two factors at no cost forward, and only 1.702 x is kept for the gradient.
    """
    mlp, shape, x = block.mlp, x.shape, block.ln_2(x)
    if not isinstance(mlp.gelu, open_clip.transformer.QuickGELU):
        return block.ls_2(mlp.c_proj(mlp.gelu(mlp.c_fc(x))))
    wide, back = mlp.c_fc, mlp.c_proj
    x = torch.addmm(wide.bias, x.flatten(0, -2), wide.weight.T, beta=1.702, alpha=1.702)
    x = torch.addmm(back.bias, silu(x), back.weight.T, alpha=1 / 1.702)
    return block.ls_2(x.view(shape))


def run_block(block, x, widen=keep, first=None, norm=None, causal=False):
    """A block of open_clip's towers, keys and values of its attention passed through ``widen``.

    Args:
        block (ResidualAttentionBlock). x (Tensor): tokens (N, L, C). widen (Callable):
        (N, L, C) to (N, M, C). first (int, optional): only so many of the tokens are wanted
        behind the block; they look at all. norm (Tensor, optional): ``block.ln_1(x)``, made before.
        causal (bool): no token looks at those behind it, as in the text tower.

    Returns:
        Tensor: (N, L or ``first``, C); without ``widen`` what the block itself gives.
    """
    attn, norm = block.attn, block.ln_1(x) if norm is None else norm
    weight, bias = attn.in_proj_weight, attn.in_proj_bias
    if first is None:
        query, key, value = linear(norm, weight, bias).chunk(3, 2)
    else:
        width = x.shape[2]
        query = linear(norm[:, :first], weight[:width], bias[:width])
        key, value = linear(norm, weight[width:], bias[width:]).chunk(2, 2)
        x = x[:, :first]
    attended = attend(query, widen(key), widen(value), attn.num_heads, causal=causal)
    x = x + block.ls_1(attn.out_proj(attended))
    if torch.is_grad_enabled() or x.device.type != 'cpu':
        return x + run_mlp(block, x)
    for part in x.split(PIECE):
        part += run_mlp(block, part)
    return x


def read_block(block, x, end):
    """The last block of open_clip's text tower, for the token that is read alone.

    Args:
        block (ResidualAttentionBlock). x (Tensor): tokens (N, L, C). end (Tensor): (N,), the
        position that is read; it looks at itself and what is before it.

    Returns:
        Tensor: (N, C), what the causal block itself has at ``end``.
    """
    attn, norm, width = block.attn, block.ln_1(x), x.shape[2]
    weight, bias = attn.in_proj_weight, attn.in_proj_bias
    rows, places = torch.arange(len(x), device=x.device), torch.arange(x.shape[1], device=x.device)
    query = linear(norm[rows, end], weight[:width], bias[:width])[:, None]
    key, value = linear(norm, weight[width:], bias[width:]).chunk(2, 2)
    seen = (places <= end[:, None])[:, None]
    x = x[rows, end] + block.ls_1(
        attn.out_proj(attend(query, key, value, attn.num_heads, seen)[:, 0]))
    return x + run_mlp(block, x)


def pool_tokens(pool, maps):
    """Maps (N, C, h, w) to the tokens of CLIP's attention pooling (N, 1 + h * w, C): mean first."""
    tokens = maps.flatten(2).transpose(1, 2)
    return torch.cat([tokens.mean(1, keepdim=True), tokens], 1) + pool.positional_embedding


def run_pool(pool, tokens, widen=keep):
    """CLIP's attention pooling of tokens (N, L, C) to (N, D): the first one looks at all."""
    key, value = widen(pool.k_proj(tokens)), widen(pool.v_proj(tokens))
    return pool.c_proj(attend(pool.q_proj(tokens[:, :1]), key, value, pool.num_heads))[:, 0]
