"""Attention: a transformer block, and CLIP's own blocks run in parts so that tokens may see more.
"""
import open_clip
import torch
from torch import nn
from torch.nn.functional import layer_norm, linear, scaled_dot_product_attention, silu

# Images that go through an MLP at once on CPUs when no gradient is wanted. Inside the MLP their
# tokens are four times as wide; of this many images they still fit the processor's cache.
PIECE = 32


def attend(query, key, value, heads):
    """Attention of L tokens over M tokens.

    Args:
        query (Tensor): (N, L, C), projected.
        key (Tensor): (N, M, C), projected.
        value (Tensor): (N, M, C), projected.
        heads (int): number of heads, each C / heads wide.

    Returns:
        Tensor: (N, L, C).
    """
    query, key, value = (x.unflatten(2, (heads, -1)).transpose(1, 2) for x in (query, key, value))
    return scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class Block(nn.Module):
    """A transformer block with norms first: x + attention(norm(x)), then x + mlp(norm(x)).

    Args:
        dim (int): C, width of a token.
        heads (int): number of heads.
        dim_head (int): width of a head.
        mlp_dim (int): inner width of the MLP.
    """

    def __init__(self, dim, heads, dim_head, mlp_dim):
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * heads * dim_head, bias=False)
        self.out = nn.Linear(heads * dim_head, dim)
        self.mlp = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, mlp_dim), nn.GELU(),
                                 nn.Linear(mlp_dim, dim))

    def forward(self, x):
        """Run the block.

        Args:
            x (Tensor): (B, N, C).

        Returns:
            Tensor: (B, N, C).
        """
        x = x + self.out(attend(*self.qkv(self.norm(x)).chunk(3, 2), self.heads))
        return x + self.mlp(x)


def keep(x):
    """Return keys or values as they are: the ``widen`` that does not widen.

    Args:
        x (Tensor): (N, L, C).

    Returns:
        Tensor: ``x``.
    """
    return x


def run_norm(norm, x):
    """A LayerNorm of open_clip, computed in the type of its weights.

    Args:
        norm (nn.LayerNorm): of open_clip.
        x (Tensor): (..., C).

    Returns:
        Tensor: of the shape and type of ``x``.
    """
    if x.dtype == norm.weight.dtype:  # skips a cast that changes nothing
        return layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return norm(x)


def run_mlp(block, x):
    """The MLP of a block of open_clip's towers, with the norm before it.

    Its QuickGELU, x sigmoid(1.702 x), is silu(1.702 x) / 1.702. The matrix products on both sides
    take the two factors at no cost in the forward pass, and only 1.702 x is kept for the gradient.

    Args:
        block (nn.Module): a block of open_clip.
        x (Tensor): tokens (N, C).

    Returns:
        Tensor: (N, C).
    """
    mlp, x = block.mlp, run_norm(block.ln_2, x)
    if not isinstance(mlp.gelu, open_clip.transformer.QuickGELU):
        return mlp.c_proj(mlp.gelu(mlp.c_fc(x)))
    wide, back = mlp.c_fc, mlp.c_proj
    x = silu(torch.addmm(wide.bias, x, wide.weight.T, beta=1.702, alpha=1.702))
    return torch.addmm(back.bias, x, back.weight.T, alpha=1 / 1.702)


def run_block(block, x, widen=keep, first=None, norm=None):
    """A block of open_clip's image towers, with its keys and values passed through ``widen``.

    Args:
        block (ResidualAttentionBlock): of open_clip.
        x (Tensor): tokens (N, L, C).
        widen (Callable[[Tensor], Tensor]): (N, L, C) to (N, M, C). Defaults to ``keep``.
        first (int, optional): return this many of the first tokens; they look at all. Defaults to
            None, all tokens.
        norm (Tensor, optional): ``block.ln_1(x)``, if it is there already. Defaults to None.

    Returns:
        Tensor: (N, L or ``first``, C); without ``widen`` what the block itself returns.
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
    """Split tokens into parts and heads.

    Args:
        x (Tensor): tokens (count * L, parts * C).
        count (int): number of texts.
        heads (int): number of heads.
        parts (int): number of parts, such as 3 for queries, keys and values.

    Returns:
        tuple[Tensor]: ``parts`` tensors (count, heads, L, C / heads).
    """
    return x.view(count, -1, parts, heads, x.shape[1] // parts // heads).permute(
        2, 0, 3, 1, 4).unbind()


def run_text_block(block, x, count):
    """A block of open_clip's text tower, in which no token looks at later ones.

    The tokens are so few that every call counts, and two dimensions need fewer calls than three.

    Args:
        block (ResidualAttentionBlock): of open_clip.
        x (Tensor): tokens (count * L, C) of the texts, one after the other.
        count (int): number of texts.

    Returns:
        Tensor: (count * L, C).
    """
    attn, norm = block.attn, run_norm(block.ln_1, x)
    out, qkv = attn.out_proj, linear(norm, attn.in_proj_weight, attn.in_proj_bias)
    query, key, value = split_heads(qkv, count, attn.num_heads, 3)
    attended = scaled_dot_product_attention(query, key, value, is_causal=True)
    x = x + linear(attended.transpose(1, 2).reshape(x.shape), out.weight, out.bias)
    return x + run_mlp(block, x)


def read_text_block(block, x, end):
    """The last block of open_clip's text tower, computed for the token that is read.

    Args:
        block (ResidualAttentionBlock): of open_clip.
        x (Tensor): tokens (N * L, C).
        end (Tensor): int64 (N,), the position that is read. It looks at itself and at what is
            before it.

    Returns:
        Tensor: (N, C), what the block itself returns at ``end``.
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
    """The tokens of CLIP's attention pooling: the mean of the places, then the places.

    Args:
        pool (nn.Module): ``attnpool`` of open_clip's ResNet form.
        maps (Tensor): (N, C, h, w).

    Returns:
        Tensor: (N, 1 + h * w, C), with position embeddings.
    """
    tokens = maps.flatten(2).transpose(1, 2)
    return torch.cat([tokens.mean(1, keepdim=True), tokens], 1) + pool.positional_embedding


def run_pool(pool, tokens, widen=keep):
    """CLIP's attention pooling, in which the first token looks at all.

    Args:
        pool (nn.Module): ``attnpool`` of open_clip's ResNet form.
        tokens (Tensor): (N, L, C).
        widen (Callable[[Tensor], Tensor]): keys or values (N, L, C) to (N, M, C). Defaults to
            ``keep``.

    Returns:
        Tensor: (N, D).
    """
    key, value = widen(pool.k_proj(tokens)), widen(pool.v_proj(tokens))
    return pool.c_proj(attend(pool.q_proj(tokens[:, :1]), key, value, pool.num_heads))[:, 0]
