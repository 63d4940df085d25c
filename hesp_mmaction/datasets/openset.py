"""The base of all data sets: known emotions get labels 0..K-1, all others the label -1."""
import inspect
import logging
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from functools import cached_property

import numpy as np
import torch
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from mmengine.logging import print_log

from ..errors import InputError
from ..text import printable, some
from . import feature_store
from .deferred import defer
from .emotions import MAFW, MAFW_COMPOUNDS, UNDECODABLE
from .frame_files import JPEG, QUALITY
from .frame_store import check_pipeline, check_sources, read_index
from .integrity import undecodable, unreadable
from .lists import locate, read_list
from .seeding import seeded_rng, stable_seed
from .splits import resolve_known
from .video import BrokenClip

OTHER = dict(train='test', test='train')


def missing(name, path, how, what='folder'):
    """The error for data that are not there."""
    return FileNotFoundError(f'{name}: no {what} {os.path.abspath(path)}; {how}')


def check_fold(fold):
    """The number of a fold, if it is one."""
    if fold not in range(1, 6):
        raise InputError(f'fold must be 1 to 5, not {fold!r}')
    return fold


@DATASETS.register_module()
class OpenSetVideoDataset(BaseActionDataset):
    """Base class; a subclass names :attr:`ALL_CLASSES` and implements :meth:`list_clips`.

    A clip is a video file or a folder of frames.

    A sample is ``dict(filename, label, emotion, sample_id, start_index, modality, sample_idx)``;
    ``sample_id`` is the path below ``data_root``, the key of every evaluation. What is random in
    the pipeline depends on (``seed``, epoch, ``sample_id``) alone, so neither on workers, ranks
    nor resuming; in test mode not on the epoch either.

    Args:
        data_root (str): the folder of the data set.
        known (Sequence[str]): known emotions; label k is the k-th. See :func:`resolve_known`.
        part (str): ``'train'`` keeps known emotions only, ``'test'`` keeps all.
        pipeline (list[dict]): transforms.
        lists (dict[str, str], optional): list files ``train`` and ``test`` of any format of
            :mod:`lists`, below ``data_root`` or absolute, in place of the official ones; so are
            the paths in them.
        id_order (str | Sequence, optional): what integer labels of ``lists`` mean, see
            :func:`.find_order`.
        classes (str, optional): ``'found'``: the classes of the data set are those that occur in
            its lists or folders, whatever they are. Defaults to those of :attr:`ALL_CLASSES`.
        closed_set (bool): all classes are known and none is unknown. Defaults to False.
        on_bad_clip (str): ``'skip'`` leaves out clips that are missing or cannot be opened, with a
            warning that names them, and those found broken only while decoding: in training
            another takes the place of such a clip, in a test it counts in no figure (see
            :meth:`prepare_data`). ``'raise'`` stops. Defaults to ``'skip'``.
        cache (str, optional): a store of decoded frames (:mod:`.frame_store`) that holds all clips
            of the part, from which ``ClipInit`` and ``ClipDecode`` take them; it also knows which
            clips are damaged. The samples are the same as without; of a store of JPEG pictures,
            nearly. Defaults to none: clips are decoded.
        features (str, optional): a store of features, made by ``tools/data/build_features.py``,
            that take the place of frames: a sample is (T, C), and nothing is opened. (An ``.npz``
            file of features is a data set of its own, :class:`.FeatureDataset`.)
        views (int, optional): epoch e of a training sees the clips as epoch e mod ``views``, as
            with features.
        device_transforms (bool): crop, resize and flip are drawn here and done by the model's
            preprocessor, see :mod:`.deferred`. Defaults to False: the pipeline does them.
        seed (int): seed of the random transforms. Defaults to 0.
        test_mode (bool, optional): no replacement, no epoch. Defaults to ``part == 'test'``.

    Raises:
        FileNotFoundError: the data are not there.
        InputError: an argument that it does not take; bad ``known``, ``part``, ``lists``,
            ``id_order``, ``classes``, ``on_bad_clip`` or ``cache``; a pipeline that does not end as
            ``device_transforms`` needs it; a part or known class without clips; labels that
            cannot be used, clips listed twice or in both parts, bad clips with
            ``on_bad_clip='raise'``: all of these in one message.
    """
    ALL_CLASSES = ()
    HOW_TO_GET = 'see docs for where it comes from'

    def __init__(self, data_root, known, part, pipeline, lists=None, id_order=None,
                 closed_set=False, on_bad_clip='skip', cache=None, features=None, views=None,
                 device_transforms=False, seed=0, test_mode=None, classes=None, **kwargs):
        self._check_arguments(kwargs)
        for key, value, valid in (('part', part, ('train', 'test')),
                                  ('on_bad_clip', on_bad_clip, ('skip', 'raise')),
                                  ('classes', classes, (None, 'found'))):
            if value not in valid:
                raise InputError(f'{key} must be one of {valid}, not {value!r}')
        if lists is not None and set(lists) != set(OTHER):
            raise InputError(f'lists must name two files, train and test, not {dict(lists)}')
        if id_order is not None and lists is None:
            raise InputError(f'id_order={id_order!r} says what integers in `lists` mean; the '
                             'official files have an order of their own: take it out or set lists')
        data_root = os.path.expanduser(data_root)
        if lists is not None:
            lists = {part: os.path.expanduser(path) for part, path in lists.items()}
        self.lists, self.id_order, self.closed_set = lists, id_order, closed_set
        self.data_root, self.classes = data_root, classes
        if classes == 'found':
            self.ALL_CLASSES = self._found_classes()
        remedy = '' if classes else '; if its clips have it, set classes=found'
        self.known = resolve_known(known, self.ALL_CLASSES, closed_set, remedy)
        self.part, self.on_bad_clip, self.seed = part, on_bad_clip, seed
        self.cache = cache and os.path.abspath(os.path.expanduser(cache))
        self._steps = pipeline
        self.deferred = []  # steps of the pipeline that are left to the device
        if device_transforms and pipeline and features is None:  # none: clips are only listed
            pipeline = defer(pipeline)
            self.deferred = [step['type'] for step in pipeline[-1]['steps']]
        self.features, self.views, self.feature_index = features, views, None
        self._packed = {}  # stored features: index to what _pack gives
        if features is not None:
            self.features = os.path.abspath(os.path.expanduser(features))
            self.feature_index = feature_store.read_index(self.features)
            self.views = self.feature_index['views']
        self.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # seen by live workers
        self.broken = set()  # clips that failed while decoding, in this process
        self._reasons = {}  # of clips that were decoded whole, in this process
        metainfo = dict(classes=self.known, all_classes=tuple(self.ALL_CLASSES),
                        closed_set=closed_set,
                        unknown=tuple(n for n in self.ALL_CLASSES if n not in self.known))
        super().__init__('', pipeline, data_root=data_root, data_prefix={}, metainfo=metainfo,
                         test_mode=part == 'test' if test_mode is None else test_mode, **kwargs)

    @cached_property
    def _index(self):
        """Of the store of frames (dict, see :func:`.frame_store.read_index`), or None."""
        if self.cache is None:
            return None
        index = read_index(self.cache)
        check_pipeline(self.cache, index, self._steps)
        return index

    def list_clips(self, part):
        """The clips of ``'train'`` or ``'test'``, from the official files.

        Returns:
            tuple: list[Clip] and list[str], a message for every label that cannot be used.
        """
        raise NotImplementedError

    def passed_over(self, part):
        """What lies among the clips of ``'train'`` or ``'test'`` and is none: list[str]."""
        return []

    def _check_arguments(self, extra):
        """Raises InputError for arguments that the data set does not take."""
        taken = {name for kind in BaseActionDataset.__mro__ if '__init__' in vars(kind)
                 for name in inspect.signature(kind.__init__).parameters}
        wrong = sorted(set(extra) - taken)
        if wrong:
            name = type(self).__name__
            raise InputError(f'{name} does not take {", ".join(wrong)}: take that out of the '
                             f"config's data sets. For other emotions than those of a config, "
                             'leave the type of its data sets and set classes=found')

    def _found_classes(self):
        """The emotions that occur in both parts, in MAFW's order, compounds last."""
        found = set()
        for part in OTHER:
            try:
                found |= {clip.emotion for clip in self._listed(part)[0]}
            except FileNotFoundError:
                pass  # is said when the part is read
        order = MAFW + MAFW_COMPOUNDS
        return tuple(n for n in order if n in found) + tuple(sorted(found - set(order)))

    def sample_id(self, path):
        """Names a clip in evaluations: its path below ``data_root``, as it can be printed."""
        relative = os.path.relpath(path, self.data_root)
        outside = relative.split(os.sep)[0] == os.pardir
        return printable((path if outside else relative).replace(os.sep, '/'))

    def set_epoch(self, epoch):
        """Tells the data set, and workers that already run, which epoch (from 0) begins."""
        self.epoch.fill_(epoch)

    def check_lists(self):
        """Reads the folders or lists of the part and opens no clip.

        Raises:
            FileNotFoundError: the data are not there.
            InputError: labels that cannot be used.
        """
        if not os.path.isdir(self.data_root):
            raise missing(type(self).__name__, self.data_root, self.HOW_TO_GET)
        _, wrong = self._listed(self.part)
        if wrong:
            raise InputError(self._complaint())

    def load_data_list(self):
        """Lists the clips of the part, without bad ones, sorted by path."""
        if not os.path.isdir(self.data_root):
            raise missing(type(self).__name__, self.data_root, self.HOW_TO_GET)
        clips, wrong, bad = self._survey(self.part)
        passed = self.passed_over(self.part) if self.lists is None else []
        if passed:
            print_log(f'{self._where(self.part)}: {len(passed)} passed over, neither videos nor '
                      f'folders of frames: {some(passed)}', 'current')
        if wrong or (bad and self.on_bad_clip == 'raise'):
            raise InputError(self._complaint())
        named = [f'{path} ({why})' for path, why in bad.items()]
        if bad and len(bad) == len(clips):
            raise InputError(f'{self._where(self.part)}: none of its {len(clips)} clips can be '
                             f'opened; check data_root and the lists: {some(named)}')
        if bad:
            print_log(f'{len(bad)} bad clips left out: {some(named)}', 'current', logging.WARNING)
        data_list = [self._data_info(clip) for clip in clips if clip.path not in bad]
        self._check_counts([info['emotion'] for info in data_list])
        return data_list

    def _where(self, part):
        return f'{type(self).__name__} part {part!r} in {self.data_root}'

    def _listed(self, part):
        """Clips and problems of a part, from the user's lists or the official ones."""
        if self.lists is None:
            return self.list_clips(part)
        path = os.path.join(self.data_root, self.lists[part])
        clips, problems = read_list(path, self.id_order)
        clips, lost = locate(clips, self.data_root, path)
        return clips, problems + lost

    def _used(self, part, clips):
        """The clips that serve a part: in training the known ones only."""
        return sorted(c for c in clips if part == 'test' or c.emotion in self.known)

    def _survey(self, part):
        """Clips of a part, messages about its labels and duplicates, and path to reason of bad."""
        listed, wrong = self._listed(part)
        wrong = wrong[:20] + [f'and {len(wrong) - 20} more such lines'] * (len(wrong) > 20)
        foreign = [f'{clip.path} ({clip.emotion})' for clip in listed
                   if clip.emotion not in self.ALL_CLASSES]
        if foreign:
            wrong = [*wrong, f'{len(foreign)} clips of classes that {type(self).__name__} does '
                     f'not have: {some(foreign)}; set classes=found and its classes are those that '
                     'occur']
        clips = self._used(part, listed)
        counts = Counter(clip.path for clip in clips)
        twice = [path for path, count in counts.items() if count > 1]
        if twice:
            wrong = [*wrong, f'{len(twice)} clips listed twice: {some(twice)}']
        both = sorted(set(map(os.path.realpath, counts)) & self._places(OTHER[part]))
        if both:
            wrong = [*wrong, f'{len(both)} clips both in training and test: {some(both)}']
        return clips, wrong, self._bad(counts)

    def _bad(self, paths):
        """Path to reason of those clips that cannot be used."""
        names = {self.sample_id(path): path for path in paths}
        if self.feature_index is not None:
            feature_store.check_clips(self.features, self.feature_index, names)
            reasons = [self.feature_index['bad'].get(name) for name in names]
        elif self._index is not None:
            check_sources(self.cache, self._index, names)
            reasons = [self._index['clips'][name].get('bad') for name in names]
        else:
            with ThreadPoolExecutor(4) as pool:
                reasons = list(pool.map(unreadable, paths))
        return {path: why for path, why in zip(paths, reasons, strict=True) if why}

    def readable_clips(self):
        """Samples of all clips of the part, known or not, and sample id to reason of the bad."""
        clips = sorted(self._listed(self.part)[0])
        bad = self._bad(dict.fromkeys(clip.path for clip in clips))
        return ([self._data_info(clip) for clip in clips if clip.path not in bad],
                {self.sample_id(path): why for path, why in bad.items()})

    def _places(self, part):
        """Where the clips of a part really are (links followed); empty if it is not there."""
        try:
            clips, _ = self._listed(part)
        except FileNotFoundError:
            return set()
        return {os.path.realpath(clip.path) for clip in self._used(part, clips)}

    def _complaint(self):
        """All that is wrong with both parts, in one message."""
        parts = []
        for part in OTHER:
            try:
                _, wrong, bad = self._survey(part)
            except FileNotFoundError as error:
                wrong, bad = [str(error)], {}
            if bad:
                remedy = ('' if self.on_bad_clip == 'skip' else
                          '; remove them or set on_bad_clip="skip"')
                named = [f'{path} ({why})' for path, why in bad.items()]
                wrong = [*wrong, f'{len(bad)} bad clips{remedy}: {some(named)}']
            if wrong:
                parts.append(f'{self._where(part)}: {"; ".join(wrong)}')
        return ' | '.join(parts)

    def _data_info(self, clip):
        label = self.known.index(clip.emotion) if clip.emotion in self.known else -1
        name = self.sample_id(clip.path)
        info = dict(filename=clip.path, label=label, emotion=clip.emotion, sample_id=name)
        entry = self._index['clips'][name] if self._index is not None else {}
        if 'frames' in entry:
            info['stored'] = self.cache, entry
        return info

    def _check_counts(self, emotions):
        where = self._where(self.part)
        names = self.known if self.part == 'train' else self.ALL_CLASSES
        counts = {name: emotions.count(name) for name in names}
        print_log(f'{where}: {len(emotions)} clips ('
                  + ', '.join(f'{n} {c}' for n, c in counts.items()) + ')' + self._where_frames(),
                  'current')
        empty = [name for name in self.known if not counts[name]]
        unknown = [name for name in self.ALL_CLASSES if name not in self.known]
        if self.part == 'test' and unknown and not any(counts[name] for name in unknown):
            empty.append('any unknown class')
        if empty:
            raise InputError(f'{where} has no clips of {", ".join(empty)}; '
                             'add them or choose other known classes')

    def _where_frames(self):
        """Of the log: where frames come from, what was done to them, and what is done later."""
        where = f'; {", ".join(self.deferred)} on the device' if self.deferred else ''
        if self._index is None:
            return where
        loss = {JPEG: f' (JPEG, quality {QUALITY}: pixels differ by one to three of 255)'}
        return f'; frames from {self.cache}{loss.get(self._index["kind"], "")}{where}'

    def every_clip(self, parts=tuple(OTHER)):
        """Sample id to path (dict, sorted) of all clips of the parts, known or not."""
        paths = {clip.path for part in parts for clip in self._listed(part)[0]}
        return {self.sample_id(path): path for path in sorted(paths)}

    def _whole(self, path):
        """Raises BrokenClip if a video cannot be decoded to its end; looks once per process."""
        if path not in self._reasons:
            if self._index is not None:
                why = self._index['clips'][self.sample_id(path)].get('broken')
            else:
                why = None if os.path.isdir(path) else undecodable(path)
            self._reasons[path] = why
        if self._reasons[path]:
            raise BrokenClip(self._reasons[path])

    def get_cat_ids(self, idx):
        """The label of a sample, list of one int, for ``ClassBalancedDataset``."""
        return [int(self.get_data_info(idx)['label'])]

    def copy_of(self, idx, copy):
        """The idx-th sample once more within an epoch, augmented differently in training.

        Args:
            idx (int): of the sample.
            copy (tuple[int]): which copy, see :mod:`.wrappers`; all 0 is the sample itself.
        """
        return self.prepare_data(idx, copy)

    def prepare_data(self, idx, copy=()):
        """The idx-th sample after the pipeline; another one for a clip that cannot be decoded.

        In test mode the other sample has the ``sample_id`` of the broken clip and the emotion
        :data:`UNDECODABLE`, so the metric counts it as evaluated and leaves it out of every
        figure. There a video must be decodable to its end (once it is decoded whole for that),
        because whether sampled frames of a broken one can be read is a matter of luck: so all
        processes, however many, leave out the same clips.
        """
        epoch = 0 if self.test_mode else int(self.epoch)
        copy = copy if any(copy) and not self.test_mode else ()
        if self.views is not None:  # a copy is seen as a later epoch sees the clip
            epoch, copy = (epoch + sum(copy)) % self.views, ()
        if self.feature_index is not None:
            return self._stored_features(idx, epoch)
        lost = None
        for attempt in range(10):
            info = self.get_data_info(idx)
            path, sample_id = info['filename'], info['sample_id']
            if lost is not None and self.test_mode:
                info.update(sample_id=lost, emotion=UNDECODABLE)
            try:
                if self.test_mode:
                    self._whole(path)
                with seeded_rng(stable_seed(self.seed, epoch, sample_id, *copy)):
                    return self.pipeline(info)
            except RuntimeError as error:
                if not isinstance(error, BrokenClip) and not unreadable(path):
                    raise  # the clip is fine: a mistake in the pipeline must show
                if self.on_bad_clip == 'raise':
                    raise InputError(f'{path} cannot be decoded; remove it from the data set or '
                                     f'encode it anew ({error})') from error
            if path not in self.broken:
                self.broken.add(path)
                what = ('it counts in no figure' if self.test_mode else
                        'other clips take its place')
                print_log(f'{printable(path)} cannot be decoded; {what} ({len(self.broken)} such '
                          'so far in this process)', 'current', logging.WARNING)
            lost = lost or sample_id
            idx = stable_seed(self.seed, epoch, sample_id, attempt) % len(self)
        raise InputError(f'ten clips in a row cannot be decoded, the last is {path}; '
                         'check the data set: python tools/data/check_data.py CONFIG')

    def _stored_features(self, idx, epoch):
        """A sample whose ``inputs`` are features (T, C)."""
        sample_id, sample = self._sample(idx)
        role = 'plain' if self.test_mode else f'view{epoch}'
        row = self.feature_index['rows'][role][sample_id]
        feature = feature_store.open_rows(self.features)[row].copy()
        return dict(inputs=torch.from_numpy(feature), data_samples=sample)

    def _sample(self, idx):
        """Sample id and a data sample of its own, without a clip."""
        if self.test_mode:
            return self._pack(idx)
        if idx not in self._packed:  # packing is as slow as all else
            self._packed[idx] = self._pack(idx)
        sample_id, sample = self._packed[idx]
        return sample_id, copy(sample)  # for a head may change the label

    def _pack(self, idx):
        info = dict(self.get_data_info(idx), imgs=np.empty(0), img_shape=None)
        return info['sample_id'], self.pipeline.transforms[-1](info)['data_samples']


@DATASETS.register_module()
class ListDataset(OpenSetVideoDataset):
    """Any clips, of the emotions that two list files name; see ``lists`` and ``id_order``.

    Its classes are those that occur, in MAFW's order, compounds after the single emotions.
    """

    def __init__(self, data_root, *args, lists=None, classes='found', **kwargs):
        if lists is None:
            raise InputError('ListDataset needs two lists: set lists.train and lists.test; for '
                             'folders, leave the type of the data set and set classes=found')
        super().__init__(data_root, *args, lists=lists, classes=classes or 'found', **kwargs)
