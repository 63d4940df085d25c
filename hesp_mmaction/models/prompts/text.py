"""Text prompts: CLIP's text tower, learned contexts (HESP Eq. 4-5), fixed sentences."""
import logging
from functools import cache

import open_clip
import torch
from mmengine.logging import print_log
from open_clip.tokenizer import SimpleTokenizer
from torch import nn
from torch.nn.functional import normalize

from ...datasets.emotions import prompt_word, ships
from ...errors import InputError
from ..attention import read_text_block, run_norm, run_text_block
from ..clip import forget_weights, load_clip, text_config
from ..frozen import FrozenTower

make_tokenizer = cache(SimpleTokenizer)  # reading its vocabulary takes a tenth of a second


def _is_plain(clip, config):
    """Whether ``CLIPTextTower`` computes the text tower of a model of open_clip, and the tower
    reads the tokens of CLIP's own tokenizer. ``config`` is its ``text_cfg``.
    """
    other = [config.get(key) for key in ('hf_tokenizer_name', 'tokenizer_kwargs', 'embed_cls')]
    words = make_tokenizer(context_length=clip.context_length).encoder
    return (not any(other) and clip.vocab_size == len(words)
            and clip.text_pool_type == 'argmax' and clip.attn_mask is not None
            and isinstance(clip.text_projection, nn.Parameter)
            and all(type(block) is open_clip.transformer.ResidualAttentionBlock
                    and isinstance(block.ls_1, nn.Identity)
                    for block in clip.transformer.resblocks))


class CLIPTextTower(FrozenTower):
    """CLIP's text tower, frozen.

    Args:
        arch (str): see ``hesp_mmaction.models.clip.load_clip``.
        pretrained (str, optional): see ``hesp_mmaction.models.clip.load_clip``. Defaults to None.
        quick_gelu (bool, optional): see ``hesp_mmaction.models.clip.load_clip``. Defaults to None.

    Attributes:
        width (int): W, width of the word embeddings.
        out_channels (int): D, width of the features.
        context_length (int): number of tokens that a sentence may have.
        logit_scale (float): exp of CLIP's own ``logit_scale``.

    Raises:
        InputError: the text tower is of another kind than CLIP's.
    """

    def __init__(self, arch, pretrained=None, quick_gelu=None):
        super().__init__(frozen=True)
        clip = load_clip(arch, pretrained, quick_gelu)
        forget_weights()  # the image tower, which needs them too, was built before
        if not _is_plain(clip, text_config(arch)):
            raise InputError(f"the text tower of {arch!r} is not CLIP's own (causal, plain blocks, "
                             "read at EOT, CLIP's tokenizer): choose another clip.arch")
        self.token_embedding = clip.token_embedding
        self.positional_embedding = clip.positional_embedding
        self.transformer = clip.transformer
        self.ln_final = clip.ln_final
        self.text_projection = clip.text_projection
        self.logit_scale = float(clip.logit_scale.detach().exp())
        self.context_length = clip.context_length
        self.width = clip.token_embedding.weight.shape[1]
        self.out_channels = clip.text_projection.shape[1]
        self.tokenizer = make_tokenizer(context_length=self.context_length)
        self._warned = {}
        self.freeze_if_asked()

    def tokenize(self, sentences):
        """Token ids of sentences, cut after the longest sentence.

        Args:
            sentences (Sequence[str]): K sentences.

        Returns:
            Tensor: int64 (K, L).

        Raises:
            InputError: a sentence is longer than the context of the tower.
        """
        for sentence in sentences:
            if len(self.tokenizer.encode(sentence)) + 2 > self.context_length:
                raise InputError(f'the prompt {sentence!r} is longer than the '
                                 f'{self.context_length} tokens of this CLIP: use fewer contexts '
                                 'or a shorter text')
        ids = self.tokenizer(list(sentences))
        return ids[:, :int(ids.argmax(1).max()) + 1]

    def warn_of_unreadable(self, texts):
        """Warn once about words that have no embedding, in texts of emotions that do not ship.

        The embedded CLIP keeps only the tokens it was trained on; all other texts are alike to it.

        Args:
            texts (dict[str, str]): canonical name to word or description.
        """
        there = self.token_embedding.weight.abs().sum(1) > 0
        lost = {name: [word for word in text.split()
                       if not all(there[token] for token in self.tokenizer.encode(word))]
                for name, text in texts.items() if not ships(name)}
        lost = {name: words for name, words in lost.items() if words}
        if lost and lost != self._warned:
            self._warned = lost
            said = '; '.join(f'{name}: "{" ".join(words)}"' for name, words in lost.items())
            print_log(f'this CLIP has no embedding for these words, so its texts do not say them '
                      f'({said}): give the emotion a word or a description that the CLIP knows, or '
                      'use another CLIP', 'current', logging.WARNING)

    def encode_text(self, sentences):
        """Features of sentences.

        Args:
            sentences (Sequence[str]): K sentences.

        Returns:
            Tensor: (K, D), not normalised.

        Raises:
            InputError: a sentence is longer than the context of the tower.
        """
        ids = self.tokenize(sentences).to(self.positional_embedding.device)
        return self(self.token_embedding(ids), ids.argmax(1))

    def forward(self, embeddings, end):
        """Features of texts that are given as word embeddings.

        Attention is causal, so L may be cut after the longest text without any change.

        Args:
            embeddings (Tensor): (K, L, W).
            end (Tensor): int64 (K,), position of the end-of-text token.

        Returns:
            Tensor: (K, D), not normalised.
        """
        x = (embeddings + self.positional_embedding[:embeddings.shape[1]]).flatten(0, 1)
        *blocks, last = self.transformer.resblocks
        for block in blocks:
            x = run_text_block(block, x, len(end))
        return run_norm(self.ln_final, read_text_block(last, x, end)) @ self.text_projection


class PromptLearner(nn.Module):
    """``[SOS] t_1 .. t_M name . [EOT]`` with M learned context tokens per class (HESP Eq. 4-5).

    All methods use this prompt learner: HESP, CoOp, CoCoOp, DFER-CLIP and CLIPER differ only in its
    arguments.

    Args:
        tower (CLIPTextTower): the tower that will read the prompts. It is asked for the embeddings
            of the fixed tokens and not kept.
        known (Sequence[str]): canonical names of the K known emotions, in label order.
        num_contexts (int): M. Defaults to 16.
        class_specific (bool): True for contexts of its own for each class, (K, M, W). False for
            contexts (1, M, W) that all classes share. Defaults to True.
        words (dict[str, str], optional): word or description that stands for a name in the prompt.
            Defaults to None, ``prompt_word`` for every name.
        position (str): place of the name among the contexts, ``'end'``, ``'middle'`` or
            ``'front'``. Defaults to ``'end'``.

    Raises:
        InputError: ``position`` has another value, or a prompt is longer than the context of the
            tower.
    """

    def __init__(self, tower, known, num_contexts=16, class_specific=True, words=None,
                 position='end'):
        super().__init__()
        # number of contexts before the name
        before = dict(end=num_contexts, middle=num_contexts // 2, front=0).get(position)
        if before is None:
            raise InputError(f"position={position!r}: one of 'end', 'middle', 'front'")
        said = [(words or {}).get(name) or prompt_word(name) for name in known]
        tower.warn_of_unreadable(dict(zip(known, said, strict=True)))
        room = tower.context_length - num_contexts - 3  # start, full stop and end
        for name, text in zip(known, said, strict=True):
            count = len(tower.tokenizer.encode(text))
            if count > room:
                raise InputError(f'the text of {name} has {count} tokens, and beside {num_contexts}'
                                 f' contexts this CLIP reads {room}: shorten {text!r} in the '
                                 'emotions, or use fewer contexts')
        ids = tower.tokenize([' '.join(['x'] * before + [word] + ['x'] * (num_contexts - before))
                              + '.' for word in said])
        places = []
        for word in said:
            after = 1 + before + len(tower.tokenizer.encode(word))
            places.append([*range(1, 1 + before), *range(after, after + num_contexts - before)])
        with torch.no_grad():
            fixed = tower.token_embedding(ids)
        self.register_buffer('fixed', fixed, persistent=False)
        self.register_buffer('places', torch.tensor(places, dtype=torch.int64), persistent=False)
        self.register_buffer('end', ids.argmax(1), persistent=False)
        rows = len(known) if class_specific else 1
        self.contexts = nn.Parameter(torch.randn(rows, num_contexts, tower.width) * 0.02)

    def forward(self, shift=None):
        """Word embeddings of the prompts.

        Args:
            shift (Tensor, optional): (B, W), added to every context (CoCoOp). The prompts of the B
                samples then follow each other, (B * K, L, W). Defaults to None.

        Returns:
            tuple[Tensor, Tensor]: embeddings (K, L, W), and int64 (K,), position of the end-of-text
            token.
        """
        contexts = self.contexts.expand(len(self.fixed), -1, -1)
        fixed, places, end = self.fixed, self.places, self.end
        if shift is not None:
            contexts = (contexts + shift[:, None, None]).flatten(0, 1)
            fixed, places = fixed.repeat(len(shift), 1, 1), places.repeat(len(shift), 1)
            end = end.repeat(len(shift))
        rows = torch.arange(len(fixed), device=fixed.device)[:, None]
        return fixed.index_put((rows, places), contexts), end

    def without_name(self):
        """The contexts with no name: ``[SOS] t_1 .. t_M . [EOT]``.

        Returns:
            tuple[Tensor, Tensor]: embeddings (R, M + 3, W) of R = 1 or K sets of contexts, and
            int64 (R,), position of the end-of-text token.
        """
        rows, num_contexts = self.contexts.shape[:2]
        start, last = self.fixed[:1, :1], int(self.end[0])
        ending = self.fixed[:1, last - 1:last + 1]  # full stop and end of text
        embeddings = torch.cat([start.expand(rows, -1, -1), self.contexts,
                                ending.expand(rows, -1, -1)], 1)
        return embeddings, self.end.new_full((rows,), num_contexts + 2)


def context_text(tower, prompts):
    """Text of learned contexts with no name.

    The text of each set of contexts is brought to length 1, and the mean over the sets is taken.

    Args:
        tower (CLIPTextTower): reads the prompts.
        prompts (PromptLearner): with one set of contexts, or one for each class.

    Returns:
        Tensor: (1, D).
    """
    return normalize(tower(*prompts.without_name()), dim=1).mean(0, keepdim=True)
