"""Class-specific semantic reconstruction, CSSR and RCSSR (Huang et al., TPAMI 2022)."""
import torch
from mmaction.registry import MODELS
from torch import nn
from torch.nn.functional import layer_norm

from ..losses import global_mean, sum_over_processes
from ..widths import width_of
from .cssr_functional import (
    activation_score,
    gram,
    gram_score,
    place_probabilities,
    reconstruction_errors,
)
from .open_set_head import OpenSetHead


@MODELS.register_module()
class CSSRHead(OpenSetHead):
    """One auto-encoder per class on maps that are not pooled; the best reconstruction names the
    class.

    e is the L1 error at place u. The logits there are z_k(u) = -gamma e_k(u). With ``reciprocal``
    they are +gamma e_k(u), with auto-encoders of what a class is not. p is the mean over places of
    softmax(z), and the loss is -log p_y.

    The score is the sum of three terms. Each has its mean taken off and is divided by its
    deviation, both on the known training samples. The terms are

    1. z at the predicted class (CSSR divides it by the square of the mean of |x|),
    2. the activation weighted by the mean activation of the class,
    3. the cosine of the Gram matrix (power 8) with that of the class.

    ``FitHook`` fits these statistics after training. Before that the score is the first term.

    Source: CSSR and RCSSR (Huang et al., TPAMI 2022). The cosine differs: the paper compares Gram
    matrices by bounds per channel. Places are normalised over their channels (LayerNorm without
    parameters). gamma was chosen for features of about unit size, and CLIPs differ in theirs by a
    factor of 15.

    Args:
        known (Sequence[str]): names of the known emotions, in label order.
        in_channels (int, optional): see ``PrototypeHead``.
        clip (dict, optional): see ``PrototypeHead``.
        reciprocal (bool): True for RCSSR. Defaults to False.
        latent (int): L, width inside the auto-encoders. Defaults to 64.
        gamma (float): scale of the errors. Defaults to 0.1.
        init_cfg (dict, optional): see mmengine's ``BaseModule``. Defaults to None.
    """

    def __init__(self, known, in_channels=None, clip=None, reciprocal=False, latent=64, gamma=0.1,
                 init_cfg=None):
        super().__init__(known, init_cfg)
        width, num = width_of(self, in_channels, clip), len(known)
        self.encoders = nn.Parameter(torch.randn(num, latent, width) / width ** 0.5)
        self.encoder_biases = nn.Parameter(torch.zeros(num, latent))
        self.decoders = nn.Parameter(torch.randn(num, width, latent) / latent ** 0.5)
        self.decoder_biases = nn.Parameter(torch.zeros(num, width))
        self.reciprocal, self.gamma = reciprocal, gamma
        self.register_buffer('prototypes', torch.zeros(num, width))
        self.register_buffer('grams', torch.zeros(num, width, width))
        self.register_buffer('terms_mean', torch.full((3,), float('nan')))
        self.register_buffer('terms_deviation', torch.ones(3))

    def pool(self, feats, num_videos):
        """Put all places of all crops of a video side by side.

        Args:
            feats (Tensor | Sequence[Tensor]): maps (..., C, places...); of several stages the last
                is taken.
            num_videos (int): B.

        Returns:
            Tensor: (B, C, N).
        """
        if isinstance(feats, (tuple, list)):
            feats = feats[-1]
        feats = feats.flatten(2).unflatten(0, (num_videos, -1))
        return feats.transpose(1, 2).flatten(2)

    def forward(self, feats, **kwargs):
        """Reconstruct maps by every class's auto-encoder.

        Args:
            feats (Tensor): maps (B, C, N).
            **kwargs (Any): what else the recognizer knows of the batch; not used.

        Returns:
            dict[str, Tensor]: ``feature`` (B, C); ``logits`` and ``logits_known``, which are log p,
            and ``probabilities`` (B, K); ``maps`` (B, C, N), normalised; ``place_logits``
            (B, K, N).
        """
        maps = layer_norm(feats.transpose(1, 2), feats.shape[1:2]).transpose(1, 2)
        errors = reconstruction_errors(maps, (self.encoders, self.encoder_biases),
                                       (self.decoders, self.decoder_biases))
        sign = 1 if self.reciprocal else -1
        place_logits = (sign * self.gamma * errors).clamp(-100, 100)
        probabilities = place_probabilities(place_logits)
        logits = probabilities.clamp_min(1e-30).log()
        return dict(feature=maps.mean(2), logits=logits, logits_known=logits, maps=maps,
                    probabilities=probabilities, place_logits=place_logits)

    def terms(self, outputs):
        """The three terms of the score before they are normalised.

        Args:
            outputs (dict[str, Tensor]): as returned by ``forward``.

        Returns:
            Tensor: (B, 3).
        """
        maps, predicted = outputs['maps'], outputs['logits'].argmax(1)
        rows = torch.arange(len(maps), device=maps.device)
        rebuilt = outputs['place_logits'][rows, predicted]
        if not self.reciprocal:
            rebuilt = rebuilt / maps.abs().mean(1).square()
        return torch.stack([rebuilt.mean(1), activation_score(maps, self.prototypes[predicted]),
                            gram_score(maps, self.grams[predicted])], 1)

    def score(self, outputs):
        terms = self.terms(outputs)
        fitted = ((terms - self.terms_mean) / self.terms_deviation).sum(1)
        return torch.where(self.terms_mean.isnan().any(), terms[:, 0], fitted)

    def fit(self, batches):
        """Fit the statistics of the score on the known training samples of all processes.

        Args:
            batches (Callable[[], Iterator]): returns an iterator over pairs of outputs of
                ``forward`` and labels (B,). It is called twice.
        """
        num = len(self.known)
        count = self.prototypes.new_zeros(num)
        means, grams = torch.zeros_like(self.prototypes), torch.zeros_like(self.grams)
        for outputs, labels in batches():
            count.index_add_(0, labels, torch.ones_like(labels, dtype=count.dtype))
            means.index_add_(0, labels, outputs['maps'].mean(2))
            grams.index_add_(0, labels, gram(outputs['maps']))
        count, means, grams = map(sum_over_processes, (count, means, grams))
        self.prototypes.copy_(means / count.clamp_min(1)[:, None])
        self.grams.copy_(grams / count.clamp_min(1)[:, None, None])
        sums = torch.zeros(2, 3, dtype=torch.float64, device=means.device)
        for outputs, _ in batches():
            terms = self.terms(outputs).double()
            sums += torch.stack([terms.sum(0), terms.square().sum(0)])
        mean, square = sum_over_processes(sums) / count.sum()
        self.terms_mean.copy_(mean)
        self.terms_deviation.copy_((square - mean.square()).clamp_min(1e-12).sqrt())

    def losses(self, outputs, labels):
        own = outputs['logits'].gather(1, labels[:, None])[:, 0]
        return dict(loss_known=global_mean(-own))
