"""A video must not match the negative text of its own class, after PromptEmo (AAAI 2026)."""


def opposite_texts(logits, labels):
    """Cross-entropy of the negative texts' logits with all other classes as equal targets.

    The text "not k" fits a video of every class but k:

        loss = -1 / (K - 1) sum_{k != y} log softmax(z)_k

    PromptEmo (Zeng et al., AAAI 2026) separates negative texts from positive ones by a loss. Only
    its abstract was available, so this formula is our own.

    Args:
        logits (Tensor): z (B, K), of the videos with the negative texts, K at least 2.
        labels (Tensor): y, int (B,), 0 to K - 1.

    Returns:
        Tensor: (B,), at least log(K - 1).
    """
    log_prob = logits.log_softmax(1)
    own = log_prob.gather(1, labels[:, None])[:, 0]
    return (own - log_prob.sum(1)) / (logits.shape[1] - 1)
