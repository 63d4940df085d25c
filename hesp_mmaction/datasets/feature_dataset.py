"""Samples of a file of features, see ``feature_file.py`` and docs/features.md."""
import torch
from mmaction.registry import DATASETS

from ..errors import InputError
from .feature_file import read_features
from .feature_store import keeps_still
from .list_cells import ListedClip
from .openset import OpenSetVideoDataset


@DATASETS.register_module()
class FeatureDataset(OpenSetVideoDataset):
    """Samples whose ``inputs`` are features (T, D) of a file; no clip is opened.

    Its classes are the emotions that occur in the file. Of the pipeline only the last step, which
    packs a sample, is used; the others stay in the config for whoever applies the model to videos.

    Args:
        features (str): path of the file, see ``read_features``.
        known (Sequence[str]): known emotions; label k is the k-th. See ``resolve_known``.
        part (str): ``'train'`` keeps known emotions only, ``'test'`` keeps all.
        pipeline (list[dict]): transforms; the last one packs.
        closed_set (bool): all classes are known and none is unknown. Defaults to False.
        seed (int): has no effect, because nothing is random. Hooks set it. Defaults to 0.
        test_mode (bool, optional): samples are not kept. Defaults to ``part == 'test'``.
        labelled_half (int, optional): see ``OpenSetVideoDataset``. Defaults to None.
        **kwargs (Any): other arguments of MMAction2's ``BaseActionDataset``.

    Raises:
        FileNotFoundError: the file is not there.
        InputError: the file or ``known`` or ``part`` cannot be used, or a known class or all
            unknown classes together have no samples.
    """

    def __init__(self, features, known, part, pipeline, closed_set=False, seed=0, test_mode=None,
                 labelled_half=None, **kwargs):
        self._check_arguments(kwargs)
        self.rows = read_features(features)
        super().__init__(features, known, part, pipeline, classes='found', closed_set=closed_set,
                         seed=seed, test_mode=test_mode, labelled_half=labelled_half, **kwargs)

    def list_clips(self, part):
        """The rows of a part, as if they were clips whose path is their id.

        Args:
            part (str): ``'train'`` or ``'test'``.

        Returns:
            tuple: list[ListedClip], and an empty list of problems.
        """
        rows = self.rows[part]
        return [ListedClip(name, emotion, None)
                for name, emotion in zip(rows.ids, rows.emotions, strict=True)], []

    def load_data_list(self):
        """The samples of the part, sorted by id.

        Returns:
            list[dict]: those of ``OpenSetVideoDataset``, with ``row`` (int), the row in the file.

        Raises:
            InputError: a known emotion, or all unknown ones together, have no samples.
        """
        numbers = {name: row for row, name in enumerate(self.rows[self.part].ids)}
        data_list = [dict(self._data_info(clip), row=numbers[clip.path])
                     for clip in self._used(self.part, self.list_clips(self.part)[0])]
        self._check_counts([info['emotion'] for info in data_list])
        return data_list

    def check_lists(self):
        """Does nothing, because the file was checked when the data set was made."""

    def sample_id(self, path):
        """The name of a row in evaluations: its id.

        Args:
            path (str): the id.

        Returns:
            str: the id.
        """
        return path

    def _bad(self, paths):
        return {}

    def prepare_data(self, idx, copy=()):
        """Make a sample. It is the same in every epoch and every copy.

        Args:
            idx (int): the sample.
            copy (Sequence[int]): not used.

        Returns:
            dict: ``inputs`` (T, D) and ``data_samples``.
        """
        feature = self.rows[self.part].features[self.get_data_info(idx)['row']]
        return dict(inputs=torch.from_numpy(feature.copy()), data_samples=self._sample(idx)[1])

    def check_model(self, model):
        """Check that a model can be run on features of this file.

        Args:
            model (nn.Module): a recognizer.

        Raises:
            InputError: a part before the neck is trained or returns maps, or the features have
                another width than those of its backbone.
        """
        if not keeps_still(model):
            raise InputError(
                f'{self.data_root} takes the place of clips, and this method learns before its '
                'neck or reads maps: choose one with a frozen backbone and pool=True, such as '
                'configs/coop_afew_o34.py, or give it the clips')
        width = self.rows[self.part].features.shape[2]
        expected = getattr(model.backbone, 'out_channels', width)
        if width != expected:
            raise InputError(f'{self.data_root}: its features have {width} values and those of the '
                             f"config's backbone {expected}: name the CLIP that made the file with "
                             '--cfg-options clip.arch=NAME clip.pretrained=FILE')
