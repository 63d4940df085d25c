"""The base of all data sets: known emotions get labels 0..K-1, all others the label -1."""
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import decord
import torch
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from mmengine.logging import print_log

from ..errors import InputError
from .seeding import seeded_rng, stable_seed
from .splits import resolve_known

VIDEO_EXTENSIONS = ('.avi', '.mp4', '.mkv')


def unreadable(path):
    """Why a video file cannot be opened, or None if it can (about 1 ms for a small clip).

    No frame is decoded: decord decodes ahead in threads, so whether the first frames of a clip
    that is broken later can be read differs from call to call, and processes would disagree.
    """
    if not os.path.isfile(path):
        return 'no such file'
    if os.path.getsize(path) == 0:
        return 'empty file'
    try:
        return None if len(decord.VideoReader(path, num_threads=1)) else 'no frames'
    except (decord.DECORDError, RuntimeError):
        return 'cannot be opened'


@DATASETS.register_module()
class OpenSetVideoDataset(BaseActionDataset):
    """Base class; a subclass names :attr:`ALL_CLASSES` and implements :meth:`list_clips`.

    A sample is ``dict(filename, label, emotion, sample_id, start_index, modality, sample_idx)``;
    ``sample_id`` is the path below ``data_root``, the key of every evaluation. What is random in
    the pipeline depends on (``seed``, epoch, ``sample_id``) alone, so neither on workers, ranks
    nor resuming; in test mode not on the epoch either.

    Args:
        data_root (str): the folder of the data set.
        known (Sequence[str]): known emotions; label k is the k-th. See :func:`resolve_known`.
        part (str): ``'train'`` keeps known emotions only, ``'test'`` keeps all.
        pipeline (list[dict]): transforms.
        on_bad_clip (str): ``'skip'`` leaves out clips that cannot be opened, with a warning that
            names them; ``'raise'`` stops. A clip found broken only later, while decoding, is
            replaced by another in training and stops a test. Defaults to ``'skip'``.
        seed (int): seed of the random transforms. Defaults to 0.
        test_mode (bool, optional): no replacement, no epoch. Defaults to ``part == 'test'``.

    Raises:
        FileNotFoundError: the data are not there.
        InputError: bad ``known``, ``part`` or ``on_bad_clip``; a part or known class without
            clips; bad clips with ``on_bad_clip='raise'``.
    """
    ALL_CLASSES = ()
    HOW_TO_GET = 'see docs for where it comes from'

    def __init__(self, data_root, known, part, pipeline, on_bad_clip='skip', seed=0,
                 test_mode=None, **kwargs):
        for key, value, valid in (('part', part, ('train', 'test')),
                                  ('on_bad_clip', on_bad_clip, ('skip', 'raise'))):
            if value not in valid:
                raise InputError(f'{key} must be one of {valid}, not {value!r}')
        self.known = resolve_known(known, self.ALL_CLASSES)
        self.part, self.on_bad_clip, self.seed = part, on_bad_clip, seed
        self.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # seen by live workers
        self.broken = set()  # clips that failed while decoding, in this process
        metainfo = dict(classes=self.known, all_classes=tuple(self.ALL_CLASSES),
                        unknown=tuple(n for n in self.ALL_CLASSES if n not in self.known))
        super().__init__('', pipeline, data_root=data_root, data_prefix={}, metainfo=metainfo,
                         test_mode=part == 'test' if test_mode is None else test_mode, **kwargs)

    def list_clips(self):
        """Returns list[tuple[str, str]]: path and canonical emotion of every clip of the part."""
        raise NotImplementedError

    def set_epoch(self, epoch):
        """Tells the data set, and workers that already run, which epoch (from 0) begins."""
        self.epoch.fill_(epoch)

    def missing(self, folder):
        """The error for a folder that is not there."""
        return FileNotFoundError(f'{type(self).__name__}: no folder {os.path.abspath(folder)}; '
                                 f'{self.HOW_TO_GET}')

    def load_data_list(self):
        """Lists the clips of the part, without bad ones, sorted by path."""
        if not os.path.isdir(self.data_root):
            raise self.missing(self.data_root)
        clips = [(path, emotion) for path, emotion in sorted(self.list_clips())
                 if self.part == 'test' or emotion in self.known]
        with ThreadPoolExecutor(4) as pool:
            reasons = list(pool.map(unreadable, [path for path, _ in clips]))
        pairs = list(zip(clips, reasons, strict=True))
        bad = [f'{path} ({why})' for (path, _), why in pairs if why]
        if bad and self.on_bad_clip == 'raise':
            raise InputError(f'{len(bad)} bad clips; remove them or set on_bad_clip="skip": '
                             f'{", ".join(bad)}')
        if bad:
            print_log(f'{len(bad)} bad clips left out: {", ".join(bad)}', 'current',
                      logging.WARNING)
        data_list = [self._data_info(*clip) for clip, why in pairs if not why]
        self._check_counts([info['emotion'] for info in data_list])
        return data_list

    def _data_info(self, path, emotion):
        label = self.known.index(emotion) if emotion in self.known else -1
        sample_id = os.path.relpath(path, self.data_root).replace(os.sep, '/')
        return dict(filename=path, label=label, emotion=emotion, sample_id=sample_id)

    def _check_counts(self, emotions):
        where = f'{type(self).__name__} part {self.part!r} in {self.data_root}'
        names = self.known if self.part == 'train' else self.ALL_CLASSES
        counts = {name: emotions.count(name) for name in names}
        print_log(f'{where}: {len(emotions)} clips ('
                  + ', '.join(f'{n} {c}' for n, c in counts.items()) + ')', 'current')
        empty = [name for name in self.known if not counts[name]]
        if self.part == 'test' and not any(counts[n] for n in names if n not in self.known):
            empty.append('any unknown class')
        if empty:
            raise InputError(f'{where} has no clips of {", ".join(empty)}; '
                             'add them or choose other known classes')

    def prepare_data(self, idx):
        """The idx-th sample after the pipeline (in training, another one for a broken clip)."""
        epoch = 0 if self.test_mode else int(self.epoch)
        for attempt in range(10):
            info = self.get_data_info(idx)
            path, sample_id = info['filename'], info['sample_id']
            try:
                with seeded_rng(stable_seed(self.seed, epoch, sample_id)):
                    return self.pipeline(info)
            except (decord.DECORDError, RuntimeError) as error:
                if not isinstance(error, decord.DECORDError) and not unreadable(path):
                    raise  # the clip is fine: a mistake in the pipeline must show
                if self.test_mode or self.on_bad_clip == 'raise':
                    raise InputError(f'{path} cannot be decoded; remove it from the data set or '
                                       'encode it anew') from error
            if path not in self.broken:
                self.broken.add(path)
                print_log(f'{path} cannot be decoded; other clips take its place '
                          f'({len(self.broken)} such so far in this process)', 'current',
                          logging.WARNING)
            idx = stable_seed(self.seed, epoch, sample_id, attempt) % len(self)
        raise InputError(f'ten clips in a row cannot be decoded, the last is {path}; '
                           'check the data set')
