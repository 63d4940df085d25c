"""The same neck for every method: the variable ``neck`` of the command line, and the table."""
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from mmaction.registry import MODELS
from mmengine.config import Config

from ..errors import InputError
from ..models import necks
from ..models.backbones import CLIPImageTower
from ..models.recognizers import PromptedRecognizer
from .configs import load_config
from .report import COLUMNS, Results, markdown, mean_and_deviation, mean_and_error

# Necks of this package that make one feature of the features of frames: (B, T, C) to (B, C).
OVER_TIME = ('TemporalMean', 'TemporalFilter', 'TemporalConvolution', 'TemporalDifferenceAdapter',
             'AttentionPooling', 'TemporalTransformer')


def refusal(cfg: Config) -> str | None:
    """Say why a method takes no neck over frames.

    Args:
        cfg (mmengine.Config): the config of a method.

    Returns:
        str | None: the reason, as a clause of a sentence; None if the method takes one.
    """
    if cfg.get('optim_wrapper') is None:
        return 'nothing is trained here, and an untrained neck is the mean over time'
    if not _is_a(cfg.model.type, PromptedRecognizer):
        return f'{cfg.model.type} has no features of frames, only those of whole clips'
    if cfg.model.get('clip_input') and not _is_a(cfg.model.backbone.type, CLIPImageTower):
        return f'{cfg.model.backbone.type} has no features of frames, only those of whole clips'
    if not cfg.model.get('pool', True) and not _has_temporal(cfg):
        return f'{cfg.model.cls_head.type} reads maps, which the neck must leave as they are'
    return None


def set_neck(cfg: Config, neck: str | Mapping[str, Any]) -> None:
    """Give a method the neck of the command line. The config is changed in place.

    The new neck replaces the method's own neck. DEAR's neck also has losses. It keeps them and
    takes the new neck for its mean over time. ``num_frames`` and the width of the features are
    filled in if the class has such an argument. The width is read from ``clip``, or from
    ``in_channels`` of the head if the backbone is no CLIP.

    Args:
        cfg (mmengine.Config): the config of a method.
        neck (str | dict): the name of a class, or a dict with ``type`` and its other arguments.

    Raises:
        InputError: the method takes no neck over frames, or no neck has that name.
    """
    neck = dict(type=neck) if isinstance(neck, str) else dict(neck)
    name = neck.get('type')
    reason = refusal(cfg)
    if reason:
        raise InputError(f'neck={name}: {Path(cfg.filename or "the config").name} takes no other '
                         f'neck ({reason}): run it without neck; run_protocol.py --equal-terms '
                         f'{name} leaves out methods that take none')
    cls = MODELS.get(name) if isinstance(name, str) else None
    if cls is None or (name in necks.__all__ and name not in OVER_TIME):
        raise InputError(f'neck={name}: give the name of a neck over frames: '
                         f'{", ".join(OVER_TIME)}, or one of your own that MODELS has')
    known = signature(cls).parameters
    if 'num_frames' in known:
        neck['num_frames'] = cfg.num_frames
    if _is_a(cfg.model.backbone.type, CLIPImageTower):
        if 'clip' in known:
            neck['clip'] = cfg.clip
    elif 'in_channels' in known and 'in_channels' in cfg.model.cls_head:
        neck['in_channels'] = cfg.model.cls_head.in_channels
    if _has_temporal(cfg):
        cfg.model.neck.temporal = neck
    else:
        cfg.model.neck = neck


def equal_runs(runs: Mapping[str, Sequence[dict]], neck: str) -> dict[str, list[dict]]:
    """Put the runs of all methods on the same neck.

    Methods that take no neck over frames are left out, and the reason is printed.

    Args:
        runs (dict[str, list[dict]]): for each method, the arguments of ``protocol.run_split``.
        neck (str): the name of a class.

    Returns:
        dict[str, list[dict]]: the same runs with that neck, in folders of their own. ``_NECK`` is
        added to the names of methods and folders.

    Raises:
        InputError: the command line already names a neck for the runs.
    """
    found = {}
    for name, jobs in runs.items():
        if any(key.split('.')[0] == 'neck' for key in jobs[0]['cfg_options']):
            raise InputError('give --equal-terms or neck, not both: the runs as published would '
                             'have that neck, too')
        reason = refusal(load_config(jobs[0]['config']))
        if reason:
            print(f'{name} runs on its own terms alone: {reason}')
            continue
        found[f'{name}_{neck}'] = [dict(
            job, cfg_options=dict(job['cfg_options'], neck=neck), work_dir=str(
                Path(job['work_dir']).parents[1] / f'{name}_{neck}' / Path(job['work_dir']).name))
            for job in jobs]
    return found


def terms_table(own: Results, equal: Results) -> str:
    """Compare methods as published with the same methods on one neck.

    Args:
        own (dict[str, list[dict]]): for each method, the results of ``protocol.run_split``.
        equal (dict[str, list[dict]]): results of the same runs with the same neck, in the same
            order. Methods that take no neck are missing.

    Returns:
        str: a table in Markdown. For each metric a row has mean and standard deviation as published
        and on equal terms, and the mean of the differences run by run with its standard error.
    """
    head = [f'{c} {part}' for c in COLUMNS for part in ('own', 'equal terms', 'difference')]
    rows = [['method', *head]]
    for method, runs in own.items():
        cells = []
        for column in COLUMNS:
            before = [run[column] for run in runs]
            after = [run[column] for run in equal.get(method, ())]
            cells += [mean_and_deviation(before)]
            cells += [mean_and_deviation(after), mean_and_error(
                [b - a for a, b in zip(before, after, strict=True)])] if after else ['', '']
        rows.append([method, *cells])
    return markdown(rows)


def _has_temporal(cfg: Config) -> bool:
    cls = MODELS.get(cfg.model.get('neck', {}).get('type', ''))
    return cls is not None and 'temporal' in signature(cls).parameters


def _is_a(name: str, base: type) -> bool:
    cls = MODELS.get(name)
    return isinstance(cls, type) and issubclass(cls, base)
