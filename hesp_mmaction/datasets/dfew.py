"""DFEW: seven emotions in film clips, five folds (Jiang et al., ACM MM 2020)."""
import os

from mmaction.registry import DATASETS

from .clip_paths import find_clip
from .emotions import BASIC
from .lists import read_list
from .official_lists import check_fold, missing
from .openset import OpenSetVideoDataset

HOW_TO_GET = ('ask its authors for DFEW and unpack its folders Clip and EmoLabel_DataSplit there '
              '(docs/datasets/dfew.md)')
CLIPS = 'Clip/clip_224x224'


def dfew_clips(root, part, fold=1, clips=CLIPS):
    """Clips of a part of DFEW, from ``EmoLabel_DataSplit/train(single-labeled)/set_1.csv``.

    Args:
        root (str): DFEW's folder.
        part (str): ``'train'`` or ``'test'``.
        fold (int): 1 to 5. Defaults to 1.
        clips (str): folder of the clips below root. Defaults to ``CLIPS``.

    Returns:
        tuple: list[ListedClip] and list[str], as returned by ``read_list``.

    Raises:
        FileNotFoundError: the csv is not there.
    """
    path = os.path.join(root, 'EmoLabel_DataSplit', f'{part}(single-labeled)', f'set_{fold}.csv')
    if not os.path.isfile(path):
        raise missing('DFEW', path, HOW_TO_GET, 'list file')
    rows, problems = read_list(path, kind='dfew')
    folder = os.path.join(root, *clips.split('/'))
    return [row._replace(path=find_clip(folder, row.path)) for row in rows], problems


@DATASETS.register_module()
class DFEWDataset(OpenSetVideoDataset):
    """DFEW in its official layout:

        data_root/Clip/clip_224x224/00001/*.jpg
        data_root/EmoLabel_DataSplit/{train,test}(single-labeled)/set_1.csv

    Args:
        fold (int): 1 to 5. Defaults to 1.
        clips (str): folder of the face frames. Defaults to ``'Clip/clip_224x224'``.
        *args (Any): see ``OpenSetVideoDataset``.
        **kwargs (Any): see ``OpenSetVideoDataset``.

    Raises:
        InputError: ``fold`` is not 1 to 5; see also ``OpenSetVideoDataset``.
    """
    ALL_CLASSES = BASIC
    HOW_TO_GET = HOW_TO_GET

    def __init__(self, *args, fold=1, clips=CLIPS, **kwargs):
        self.fold, self.clips = check_fold(fold), clips
        super().__init__(*args, **kwargs)

    def list_clips(self, part):
        return dfew_clips(self.data_root, part, self.fold, self.clips)
