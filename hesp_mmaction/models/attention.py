"""Attention: a transformer block of ours, and CLIP's, opened up so that tokens may see more."""
import open_clip
import torch
from torch import nn
from torch.nn.functional import layer_norm, linear, scaled_dot_product_attention, silu

# Images that go through an MLP at once on CPUs where no gradient is wanted: their tokens, four
# times wider there, stay in the processor's cache.
PIECE = 32


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


def run_norm(norm, x):
    """A LayerNorm of open_clip's, in the type of its weights; the result has the type of x."""
    if x.dtype == norm.weight.dtype:  # no cast to the same
        return layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return norm(x)


def run_mlp(block, x):
    """The MLP of a block of open_clip's towers, its norm before it: tokens (N, C) to the same.

    Its QuickGELU, x sigmoid(1.702 x), is silu(1.702 x) / 1.702. The products before and behind it
    take the two factors at no cost forward, and only 1.702 x is kept for the gradient.
    """
    mlp, x = block.mlp, run_norm(block.ln_2, x)
    if not isinstance(mlp.gelu, open_clip.transformer.QuickGELU):
        return mlp.c_proj(mlp.gelu(mlp.c_fc(x)))
    wide, back = mlp.c_fc, mlp.c_proj
    x = silu(torch.addmm(wide.bias, x, wide.weight.T, beta=1.702, alpha=1.702))
    return torch.addmm(back.bias, x, back.weight.T, alpha=1 / 1.702)


def run_block(block, x, widen=keep, first=None, norm=None):
    """A block of open_clip's image towers, its keys and values passed through ``widen``.

    Args:
        block (ResidualAttentionBlock). x (Tensor): tokens (N, L, C). widen (Callable):
        (N, L, C) to (N, M, C). first (int, optional): only so many of the tokens are wanted
        behind the block; they look at all. norm (Tensor, optional): ``block.ln_1(x)``, made before.

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
    attended = attend(query, widen(key), widen(value), attn.num_heads)
    x = x + block.ls_1(attn.out_proj(attended))
    if torch.is_grad_enabled() or x.device.type != 'cpu':
        return x + block.ls_2(run_mlp(block, x.flatten(0, 1)).view_as(x))
    for part in x.split(PIECE):
        part += block.ls_2(run_mlp(block, part.flatten(0, 1)).view_as(part))
    return x


def split_heads(x, count, heads, parts):
    """Tokens (count * L, parts * C) to ``parts`` times (count, heads, L, C / heads)."""
    return x.view(count, -1, parts, heads, x.shape[1] // parts // heads).permute(
        2, 0, 3, 1, 4).unbind()


def run_text_block(block, x, count):
    """A block of open_clip's text tower, where no token looks at those behind it.

    Tokens (count * L, C) of ``count`` texts, one after the other, to the same. They are so few
    that every call counts, and two dimensions need fewer than three.
    """
    attn, norm = block.attn, run_norm(block.ln_1, x)
    out, qkv = attn.out_proj, linear(norm, attn.in_proj_weight, attn.in_proj_bias)
    query, key, value = split_heads(qkv, count, attn.num_heads, 3)
    attended = scaled_dot_product_attention(query, key, value, is_causal=True)
    x = x + linear(attended.transpose(1, 2).reshape(x.shape), out.weight, out.bias)
    return x + run_mlp(block, x)


def read_text_block(block, x, end):
    """The last block of open_clip's text tower, for the token that is read alone.

    Args:
        block (ResidualAttentionBlock). x (Tensor): tokens (N * L, C). end (Tensor): (N,), the
        position that is read; it looks at itself and what is before it.

    Returns:
        Tensor: (N, C), what the block itself has at ``end``.
    """
    attn, norm, count, width = block.attn, run_norm(block.ln_1, x), len(end), x.shape[1]
    weight, bias, heads = attn.in_proj_weight, attn.in_proj_bias, attn.num_heads
    length = len(x) // count
    read = torch.arange(0, len(x), length, device=x.device) + end
    seen = torch.arange(length, device=x.device) <= end[:, None]
    query = linear(norm[read], weight[:width], bias[:width]).view(count, heads, 1, -1)
    key, value = split_heads(linear(norm, weight[width:], bias[width:]), count, heads, 2)
    attended = scaled_dot_product_attention(query, key, value, attn_mask=seen[:, None, None])
    x = x[read] + attn.out_proj(attended.view(count, width))
    return x + run_mlp(block, x)


def pool_tokens(pool, maps):
    """Maps (N, C, h, w) to the tokens of CLIP's attention pooling (N, 1 + h * w, C): mean first."""
    tokens = maps.flatten(2).transpose(1, 2)
    return torch.cat([tokens.mean(1, keepdim=True), tokens], 1) + pool.positional_embedding


def run_pool(pool, tokens, widen=keep):
    """CLIP's attention pooling of tokens (N, L, C) to (N, D): the first one looks at all."""
    key, value = widen(pool.k_proj(tokens)), widen(pool.v_proj(tokens))
    return pool.c_proj(attend(pool.q_proj(tokens[:, :1]), key, value, pool.num_heads))[:, 0]
