"""``tools/train.py --grow``: a trained model learns new emotions beside those it knows.

Everything that has a row for each emotion (contexts, negatives, a classifier) keeps the rows of the
emotions it knows; new rows start as in a new model. Old and new clips are then trained together, so
that the old emotions are not forgotten, and threshold and density are fitted anew at the end.
"""
import json
import logging
from copy import deepcopy
from datetime import datetime, timezone
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.dist import all_gather_object, is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log

from ..engine.hooks.common import unwrap
from ..errors import InputError
from ..evaluation.dumps import dump_of_rows, dump_row, load_dump
from ..files import write_json
from ..models.checkpoint_origin import (
    check_clip,
    check_emotions,
    check_pixels,
    emotions_of,
    known_of,
)
from ..models.checkpoints import load_weights, plain_keys, read_checkpoint, weights_of
from .wiring import override


def grown_rows(old, start, old_known, known, nearest):
    """Put the weights of a model that knows K emotions into one that knows more.

    Args:
        old (dict[str, Tensor]): weights of the old model. One with a row for each emotion is
            (K, ...).
        start (dict[str, Tensor]): weights of the new model before training, (K + n, ...) where the
            old ones are (K, ...), else of the same shape.
        old_known (Sequence[str]): K names in the order of the old rows.
        known (Sequence[str]): K + n names in the order of the new rows.
        nearest (dict[str, Sequence[int]]): names of weights that are fitted, not learned, each with
            the old row that the n new ones are copies of. The new rows of all others are those of
            ``start``.

    Returns:
        dict[str, Tensor]: weights of the new model.

    Raises:
        InputError: a weight is missing on one side or has another shape than these.
    """
    lost = sorted(set(old) ^ set(start))
    grown, places = {}, [known.index(name) for name in old_known]
    added = [i for i, name in enumerate(known) if name not in old_known]
    for key in sorted(set(old) & set(start)):
        there, here = old[key], start[key]
        if there.shape == here.shape:
            grown[key] = there.clone()
        elif (there.ndim and there.shape[1:] == here.shape[1:] and len(there) == len(old_known)
                and len(here) == len(known)):
            grown[key] = here.clone()
            grown[key][places] = there.to(here)
            if key in nearest:
                grown[key][added] = there[list(nearest[key])].to(here)
        else:
            lost.append(key)
    if lost:
        raise InputError(f'this model cannot grow: {len(lost)} of its weights have no row for each '
                         f'emotion or do not fit the config, first {lost[0]}; use the config that '
                         'the checkpoint was trained with, or train a new model without --grow')
    return grown


def grow(model, checkpoint, name='the checkpoint'):
    """Load a checkpoint of fewer emotions into a model, in place.

    Args:
        model (nn.Module): a recognizer with an open-set head.
        checkpoint (dict): as returned by ``checkpoints.read_file``.
        name (str): what errors call it.

    Raises:
        InputError: it is of another CLIP, of other pixel statistics or of other words; see also
            ``grown_rows``.
    """
    old_known, known = known_of(checkpoint, name), list(model.cls_head.known)
    check_emotions(old_known, emotions_of(checkpoint, name), name)
    check_clip(model, checkpoint['hesp'].get('clip'), name)
    check_pixels(model, checkpoint['hesp'].get('pixels'), name)
    start = model.state_dict()
    old = plain_keys(weights_of(checkpoint, name), start)
    for key, value in model.cls_head.older_state().items():
        old.setdefault(f'cls_head.{key}', value)
    fitted = {key for key, value in model.named_buffers() if key in old
              and value.shape != old[key].shape}
    nearest = dict.fromkeys(fitted, nearest_rows(model.cls_head, old_known)) if fitted else {}
    model.load_state_dict(grown_rows(old, start, list(old_known), known, nearest), strict=False)


@torch.no_grad()
def nearest_rows(head, old_known):
    """The old emotion whose text is nearest to that of each new one.

    Args:
        head (OpenSetHead): of the grown model.
        old_known (Sequence[str]): names of the old emotions.

    Returns:
        list[int]: for each new emotion, in label order, an index in ``old_known``.

    Raises:
        InputError: the head has no texts.
    """
    vectors = head.class_vectors()
    if vectors is None:
        raise InputError(f'{type(head).__name__} fits statistics of every emotion and has no texts '
                         'to start new ones from: train a new model without --grow')
    rows = {name: vectors[i] for i, name in enumerate(head.known)}
    old = torch.stack([rows[name] for name in old_known])
    return [int((old @ rows[name]).argmax()) for name in head.known if name not in old_known]


def accuracy(dump, names, among=None):
    """Share of the clips of some emotions that are given their name, whatever the score.

    Args:
        dump (dict[str, np.ndarray]): ``emotion`` (N,), ``pred`` (N,), ``logits`` (N, K) and
            ``classes`` (K,).
        names (Sequence[str]): the emotions.
        among (Sequence[str], optional): the names that can be given: that with the largest logit
            is. Defaults to all K.

    Returns:
        float: in percent, NaN without such a clip.
    """
    chosen = np.isin(dump['emotion'], list(names))
    if not chosen.any():
        return float('nan')
    pred = dump['pred']
    if among is not None:
        places = np.flatnonzero(np.isin(dump['classes'], list(among)))
        pred = places[dump['logits'][:, places].argmax(1)]
    return 100 * float((dump['classes'][pred] == dump['emotion'])[chosen].mean())


class Growth(Hook):
    """Loads the old model before the first step and says what became of its emotions.

    It writes ``growth.json`` into the work dir: the history of the model and the accuracy of old
    and new emotions on the test part, the old ones before and after. ``old_after_among_old`` is
    that of old clips if only old names could be given: what is lost there is forgotten, the rest is
    taken for new emotions. Checkpoints keep the history.

    Args:
        cfg (mmengine.Config): of the training; its known emotions are the old and the new ones.
        path (str): the checkpoint to start from.

    Raises:
        InputError: the checkpoint does not say what it knows, or the config's known emotions are
            not the old ones and at least one more.
    """
    priority = 'VERY_HIGH'  # before OpenSetHook notes the contexts at the start

    def __init__(self, cfg, path):
        self.name, self.saved = f'the checkpoint {path}', read_checkpoint(path)
        old = known_of(self.saved, self.name)
        if old is None:
            raise InputError(f'{self.name} does not say which emotions it knows, so it cannot '
                             'grow: name one that was trained with this package')
        known = list(cfg.known)
        self.old, self.added = list(old), [name for name in known if name not in old]
        if not self.added or set(old) - set(known):
            raise InputError(f'{self.name} knows {", ".join(old)}: name these and new ones with '
                             f'--known {" ".join(old)} NEW ...')
        history = self.saved['hesp'].get('history') or []
        self.history = [*history, dict(
            known=self.old, added=self.added, checkpoint=str(path),
            date=datetime.now(timezone.utc).strftime('%Y-%m-%d'))]
        cfg.load_from, cfg.resume = None, False  # a config that a test left names its checkpoint

    def train(self, runner):
        """Train a runner of the config from the grown weights.

        Args:
            runner (mmengine.runner.Runner): of the config of the model that grows.
        """
        runner.register_hook(self)
        runner.register_hook(GrowthFigures())
        runner.train()

    def before_train(self, runner):
        model = unwrap(runner.model)
        grow(model, self.saved, self.name)
        model.cls_head.history = self.history
        print_log(f'grown from {", ".join(self.old)} by {", ".join(self.added)}', 'current')
        found = dict(known=self.old + self.added, history=self.history)
        if runner.val_loop is not None:
            found['old_before'] = accuracy(self._judged_before(runner), self.old)
        if is_main_process():
            write_json(found, Path(runner.work_dir) / 'growth.json')

    def _judged_before(self, runner):
        """What the old model makes of the test part, as a dump."""
        cfg = deepcopy(runner.cfg)
        override(cfg, known=self.old)
        model = MODELS.build(cfg.model)
        load_weights(model, self.saved, self.name)
        model.to(next(unwrap(runner.model).parameters()).device).eval()
        rows = []
        with torch.no_grad():
            for batch in runner.val_loop.dataloader:
                rows += [dump_row(sample.to_dict()) for sample in model.test_step(batch)]
        return dump_of_rows(list(chain.from_iterable(all_gather_object(rows))), self.old)


class GrowthFigures(Hook):
    """Adds the accuracy after the last epoch to ``growth.json``, which ``Growth`` begins."""
    priority = 'VERY_HIGH'

    def after_train(self, runner):
        if not is_main_process():
            return
        path = Path(runner.work_dir) / 'growth.json'
        found = json.loads(path.read_text(encoding='utf-8'))
        if 'old_before' not in found:
            return
        old, added = (found['history'][-1][key] for key in ('known', 'added'))
        dump = load_dump(path.with_name('predictions.npz'))
        found |= dict(old_after=accuracy(dump, old), old_after_among_old=accuracy(dump, old, old),
                      new_after=accuracy(dump, added))
        print_log('accuracy on the test part: old emotions {old_before:.2f} before and '
                  '{old_after:.2f} after ({old_after_among_old:.2f} among the old names), '
                  'new ones {new_after:.2f}'.format(**found), 'current', logging.INFO)
        write_json(found, path)


def train(runner):
    """Train; if this resumes a growth, its figures are added at the end.

    Args:
        runner (mmengine.runner.Runner): of the training.
    """
    if runner.cfg.get('resume') and (Path(runner.work_dir) / 'growth.json').is_file():
        runner.register_hook(GrowthFigures())
    runner.train()
