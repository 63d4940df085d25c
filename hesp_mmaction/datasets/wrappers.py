"""Data sets that wrap others (repeated, joined, balanced), and functions that look inside.

mmengine's wrappers know nothing of epochs and seeds and show a repeated clip twice with the same
augmentation. These wrappers have the same names and arguments, and MMAction2's registry finds
them first.
"""
from collections import Counter
from collections.abc import Mapping

from mmaction.registry import DATASETS
from mmengine.dataset import dataset_wrapper as mmengine_wrappers

from ..errors import InputError

ONE_INSIDE = ('RepeatDataset', 'ClassBalancedDataset')  # their key is `dataset`
SEVERAL_INSIDE = 'ConcatDataset'  # its key is `datasets`


class _Wrapper:
    """Finds a sample in the data sets inside, with the number of its copy."""

    def locate(self, idx):
        """Where a sample comes from.

        Args:
            idx (int): index in this data set.

        Returns:
            tuple: the data set without a wrapper, the index there, and which copy of that sample it
            is (tuple[int], one number for each wrapper that repeats; all 0 is the first).
        """
        raise NotImplementedError

    def get_cat_ids(self, idx):
        """Look up the label of a sample, for ``ClassBalancedDataset``.

        Args:
            idx (int): index in this data set.

        Returns:
            list[int]: one label.
        """
        dataset, inner, _ = self.locate(idx)
        return dataset.get_cat_ids(inner)

    def __getitem__(self, idx):
        self.full_init()
        dataset, inner, copy = self.locate(idx)
        if any(copy) and hasattr(dataset, 'copy_of'):
            return dataset.copy_of(inner, copy)
        return dataset[inner]


def locate(dataset, idx):
    """Find where a sample of any data set comes from.

    Args:
        dataset (Dataset): a wrapper, or another data set.
        idx (int): index in it.

    Returns:
        tuple: see ``RepeatDataset.locate``; any other data set is its own source, with an empty
        copy.
    """
    return dataset.locate(idx) if isinstance(dataset, _Wrapper) else (dataset, idx, ())


@DATASETS.register_module()
class RepeatDataset(_Wrapper, mmengine_wrappers.RepeatDataset):
    """A data set several times over; every copy of a clip is augmented differently.

    It takes mmengine's arguments:

    * ``dataset`` (dict): the data set.
    * ``times`` (int): how often each sample occurs in an epoch.
    """

    def locate(self, idx):
        copy, inner = divmod(idx, self._ori_len)
        dataset, inner, copies = locate(self.dataset, inner)
        return dataset, inner, (copy, *copies)


@DATASETS.register_module()
class ClassBalancedDataset(_Wrapper, mmengine_wrappers.ClassBalancedDataset):
    """A data set in which samples of rare classes occur several times in an epoch.

    A class that makes up the share f of the samples occurs ceil(sqrt(``oversample_thr`` / f)) times
    (once if f is larger). Every copy of a clip is augmented differently.

    It takes mmengine's arguments:

    * ``dataset`` (dict): the data set.
    * ``oversample_thr`` (float): share of the samples below which a class is repeated, 0 to 1.
    """

    def full_init(self):
        if self._fully_initialized:
            return
        super().full_init()
        seen = Counter()
        self._copies = []
        for inner in self.repeat_indices:
            self._copies.append(seen[inner])
            seen[inner] += 1

    def locate(self, idx):
        dataset, inner, copies = locate(self.dataset, self.repeat_indices[idx])
        return dataset, inner, (self._copies[idx], *copies)


@DATASETS.register_module()
class ConcatDataset(_Wrapper, mmengine_wrappers.ConcatDataset):
    """Several data sets as one. They share the known emotions; other emotions may differ.

    Args:
        datasets (list[dict]): the data sets.
        ignore_keys (Sequence[str]): facts that may differ between the data sets; they are joined.
            Defaults to the classes and the unknown emotions.
        **kwargs (Any): see mmengine's ``ConcatDataset``.

    Raises:
        InputError: they disagree on the known emotions, or two have a sample of the same name.
    """

    def __init__(self, datasets, ignore_keys=('all_classes', 'unknown'), **kwargs):
        try:
            super().__init__(datasets, ignore_keys=list(ignore_keys), **kwargs)
        except (ValueError, TypeError) as error:
            raise InputError(f'ConcatDataset: {error}; give all of them the same `known`, in one '
                             'order') from error
        for key in set(ignore_keys) & set(self._metainfo):
            names = [name for dataset in self.datasets for name in dataset.metainfo[key]]
            self._metainfo[key] = tuple(dict.fromkeys(names))

    def full_init(self):
        if self._fully_initialized:
            return
        super().full_init()
        counts = Counter(leaf.get_data_info(i).get('sample_id', (number, i))
                         for number, leaf in enumerate(leaves(self)) for i in range(len(leaf)))
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise InputError(f'ConcatDataset: {len(twice)} samples are in more than one of its '
                             f'data sets, the first is {twice[0]}: figures are kept by this name. '
                             'Put the data sets below one data_root, or repeat one with '
                             'RepeatDataset')

    def locate(self, idx):
        number, inner = self._get_ori_dataset_idx(idx)
        return locate(self.datasets[number], inner)


def leaves(dataset):
    """The data sets inside the wrappers around them.

    Args:
        dataset (Dataset): the data set of a loader.

    Returns:
        list[Dataset]: ``[dataset]`` if it is no wrapper.

    Raises:
        InputError: a wrapper that is none of this module.
    """
    if isinstance(dataset, ConcatDataset):
        return [leaf for inner in dataset.datasets for leaf in leaves(inner)]
    if isinstance(dataset, _Wrapper):
        return leaves(dataset.dataset)
    if hasattr(dataset, 'dataset') or hasattr(dataset, 'datasets'):
        raise InputError(_refusal(type(dataset).__name__))
    return [dataset]


def leaf_configs(dataset):
    """The configs of the data sets inside the wrappers around them, to be read and changed.

    Args:
        dataset (dict): ``dataset`` of a loader's config.

    Returns:
        list[dict]: ``[dataset]`` if it is no wrapper.

    Raises:
        InputError: a wrapper that is none of this module.
    """
    kind = dataset.get('type')
    name = kind if isinstance(kind, str) else getattr(kind, '__name__', '')
    name = name.removeprefix('mmaction.')
    foreign = not isinstance(kind, str) and not issubclass(kind, _Wrapper)
    if name == SEVERAL_INSIDE and not foreign:
        return [leaf for inner in dataset['datasets'] for leaf in leaf_configs(inner)]
    if name in ONE_INSIDE and not foreign:
        return leaf_configs(dataset['dataset'])
    if isinstance(dataset.get('dataset'), Mapping) or 'datasets' in dataset:
        raise InputError(_refusal(name))
    return [dataset]


def _refusal(name):
    return (f'{name} is a wrapper of data sets that this package does not know: use '
            f"{', '.join(ONE_INSIDE)} or {SEVERAL_INSIDE} (type='RepeatDataset', without "
            "'mmengine.' before it)")


def pipeline_of(dataset):
    """The one pipeline of a data set's config, through wrappers.

    Args:
        dataset (dict): ``dataset`` of a loader's config.

    Returns:
        list[dict]: configs of the transforms.

    Raises:
        InputError: the data sets inside have different pipelines.
    """
    first, *others = [leaf['pipeline'] for leaf in leaf_configs(dataset)]
    if any(other != first for other in others):
        raise InputError('the data sets inside a ConcatDataset have different pipelines: give all '
                         'the same')
    return first
