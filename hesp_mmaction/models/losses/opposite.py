"""A video must not match the negative text of its own class, after PromptEmo (AAAI 2026)."""


def opposite_texts(logits, labels):
    """Cross-entropy of the negative texts' logits against the other classes, all alike.

    The text "not k" fits a video of every class but k:

        loss = -1 / (K - 1) sum_{k != y} log softmax(z)_k

    PromptEmo (Zeng et al., AAAI 2026) separates negative texts from positive ones in a loss of its
    own. Only its abstract could be read, so the formula is ours.

    Args:
        logits (Tensor): z (B, K), of the videos with the negative texts, K at least 2.
        labels (Tensor): y (B,).

    Returns:
        Tensor: (B,), at least log(K - 1).
    """
    log_prob = logits.log_softmax(1)
    own = log_prob.gather(1, labels[:, None])[:, 0]
    return (own - log_prob.sum(1)) / (logits.shape[1] - 1)
