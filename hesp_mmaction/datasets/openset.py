"""The base of all data sets: known emotions get labels 0..K-1, all others the label -1."""
import inspect
import logging
import os

import torch
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from mmengine.logging import print_log

from ..errors import InputError
from ..text import printable
from .decoding import BrokenClip
from .deferred import defer
from .emotions import UNDECODABLE
from .integrity import unreadable
from .listed_clips import OTHER, ListedClips
from .seeding import seeded_rng, stable_seed
from .splits import resolve_known
from .stored_clips import StoredClips


@DATASETS.register_module()
class OpenSetVideoDataset(ListedClips, StoredClips, BaseActionDataset):
    """Base class; a subclass names ``ALL_CLASSES`` and implements ``list_clips``.

    Class ``ListedClips`` finds the clips of a part and their labels, ``StoredClips``
    handles stores, and this class makes samples of the clips.

    A clip is a video file or a folder of frames.

    A sample is ``dict(filename, label, emotion, sample_id, start_index, modality, sample_idx)``;
    ``sample_id`` is the path below ``data_root``, the key of every evaluation. The randomness of
    the pipeline depends only on ``seed``, epoch and ``sample_id``, not on workers, ranks or
    resuming. In test mode it does not depend on the epoch either.

    Args:
        data_root (str): the folder of the data set.
        known (Sequence[str]): known emotions; label k is the k-th. See ``resolve_known``.
        part (str): ``'train'`` keeps known emotions only, ``'test'`` keeps all.
        pipeline (list[dict]): configs of the transforms.
        lists (dict[str, str], optional): list files ``train`` and ``test`` of any format of
            ``lists``, below ``data_root`` or absolute, in place of the official ones; so are
            the paths in them.
        id_order (str | Sequence, optional): what integer labels of ``lists`` mean, see
            ``find_order``.
        classes (str, optional): ``'found'``: the classes of the data set are those that occur in
            its lists or folders, whatever they are. Defaults to those of ``ALL_CLASSES``.
        closed_set (bool): all classes are known and none is unknown. Defaults to False.
        on_bad_clip (str): ``'skip'`` leaves out clips that are missing or cannot be opened, with a
            warning that names them. If a clip proves broken only while decoding, another clip
            replaces it in training, and a test leaves it out of every figure (see
            ``prepare_data``). ``'raise'`` stops. Defaults to ``'skip'``.
        cache (str, optional): a store of decoded frames (``frame_store``) that holds all clips
            of the part, from which ``ClipInit`` and ``ClipDecode`` take them; it also knows which
            clips are damaged. The samples are the same as without a store, or nearly so if it
            holds JPEG pictures. Defaults to None: clips are decoded.
        features (str, optional): a store of features, made by ``tools/data/build_features.py``,
            that take the place of frames: a sample is (T, C), and nothing is opened. (An ``.npz``
            file of features is a data set of its own, ``FeatureDataset``.)
        views (int, optional): epoch e of a training sees the clips as epoch e mod ``views``, as
            with features.
        labelled_half (int, optional): a training sees the labelled half of the known clips only,
            drawn by ``labelled_half`` with this number. Defaults to None: all of them.
        device_transforms (bool): crop, resize and flip are drawn here and done by the model's
            preprocessor, see ``deferred``. Defaults to False: the pipeline does them.
        seed (int): seed of the random transforms. Defaults to 0.
        test_mode (bool, optional): broken clips are not replaced and epochs have no effect.
            Defaults to ``part == 'test'``.
        **kwargs (Any): other arguments of MMAction2's ``BaseActionDataset``.

    Raises:
        FileNotFoundError: the data do not exist.
        InputError: an unknown argument; bad ``known``, ``part``, ``lists``,
            ``id_order``, ``classes``, ``on_bad_clip`` or ``cache``; a pipeline that does not end as
            ``device_transforms`` needs it; a part or known class without clips; labels that
            cannot be used, clips listed twice or in both parts, bad clips with
            ``on_bad_clip='raise'``: all of these in one message.
    """
    ALL_CLASSES = ()
    HOW_TO_GET = 'see docs for where it comes from'

    def __init__(self, data_root, known, part, pipeline, lists=None, id_order=None,
                 closed_set=False, on_bad_clip='skip', cache=None, features=None, views=None,
                 labelled_half=None, device_transforms=False, seed=0, test_mode=None, classes=None,
                 **kwargs):
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
        self.data_root, self.classes, self.labelled_half = data_root, classes, labelled_half
        if classes == 'found':
            self.ALL_CLASSES = self._found_classes()
        remedy = '' if classes else '; if its clips have it, set classes=found'
        self.known = resolve_known(known, self.ALL_CLASSES, closed_set, remedy)
        self.part, self.on_bad_clip, self.seed = part, on_bad_clip, seed
        self.open_stores(cache, features, views, pipeline)
        self.deferred = []  # steps of the pipeline that are left to the device
        if device_transforms and pipeline and features is None:  # none: clips are only listed
            pipeline = defer(pipeline)
            self.deferred = [step['type'] for step in pipeline[-1]['steps']]
        self.epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # seen by live workers
        self.broken = set()  # clips that failed while decoding, in this process
        metainfo = dict(classes=self.known, all_classes=tuple(self.ALL_CLASSES),
                        closed_set=closed_set,
                        unknown=tuple(n for n in self.ALL_CLASSES if n not in self.known))
        super().__init__('', pipeline, data_root=data_root, data_prefix={}, metainfo=metainfo,
                         test_mode=part == 'test' if test_mode is None else test_mode, **kwargs)

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

    def set_epoch(self, epoch):
        """Tell the data set, and workers that already run, which epoch begins.

        Args:
            epoch (int): its number, from 0.
        """
        self.epoch.fill_(epoch)

    def get_cat_ids(self, idx):
        """Look up the label of a sample, for ``ClassBalancedDataset``.

        Args:
            idx (int): the sample.

        Returns:
            list[int]: one label.
        """
        return [int(self.get_data_info(idx)['label'])]

    def copy_of(self, idx, copy):
        """The idx-th sample once more within an epoch, augmented differently in training.

        Args:
            idx (int): index of the sample.
            copy (tuple[int]): which copy, see ``wrappers``; all 0 is the sample itself.

        Returns:
            dict: as returned by ``prepare_data``.
        """
        return self.prepare_data(idx, copy)

    def prepare_data(self, idx, copy=()):
        """The idx-th sample after the pipeline; another one for a clip that cannot be decoded.

        In test mode the other sample has the ``sample_id`` of the broken clip and the emotion
        ``UNDECODABLE``, so the metric counts it as evaluated and leaves it out of every
        figure. In test mode each video is decoded whole once, and must be decodable to its
        end, because it depends on chance whether sampled frames of a broken video can be read.
        So any number of processes leaves out the same clips.

        Args:
            idx (int): the sample.
            copy (Sequence[int]): which copy of a repeated sample it is, see ``wrappers``. Defaults
                to the first.

        Returns:
            dict: ``inputs`` and ``data_samples``.

        Raises:
            InputError: the clip, or many in a row, cannot be decoded.
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


@DATASETS.register_module()
class ListDataset(OpenSetVideoDataset):
    """Any clips, of the emotions that two list files name; see ``lists`` and ``id_order``.

    Its classes are those that occur, in the vocabulary's order, compounds last. All other arguments
    and errors are those of ``OpenSetVideoDataset``.

    Args:
        data_root (str): the folder of the data set.
        *args (Any): see ``OpenSetVideoDataset``.
        lists (dict[str, str]): list files ``train`` and ``test``. They must be given.
        classes (str): ``'found'``, the only choice.
        **kwargs (Any): see ``OpenSetVideoDataset``.

    Raises:
        InputError: ``lists`` is not given.
    """

    def __init__(self, data_root, *args, lists=None, classes='found', **kwargs):
        if lists is None:
            raise InputError('ListDataset needs two lists: set lists.train and lists.test; for '
                             'folders, leave the type of the data set and set classes=found')
        super().__init__(data_root, *args, lists=lists, classes=classes or 'found', **kwargs)
