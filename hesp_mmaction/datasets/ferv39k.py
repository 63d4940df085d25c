"""FERV39k: seven emotions in clips of 22 scenes (Wang et al., CVPR 2022)."""
import os

from mmaction.registry import DATASETS

from .clip_paths import find_clip
from .emotions import BASIC
from .lists import read_list
from .official_lists import missing
from .openset import OpenSetVideoDataset

HOW_TO_GET = ('ask its authors for FERV39k and unpack its folders 2_ClipsforFaceCrop and 4_setups '
              'there (docs/datasets/ferv39k.md)')
CLIPS = '2_ClipsforFaceCrop'


def ferv39k_clips(root, part, clips=CLIPS):
    """Clips of a part of FERV39k, from ``4_setups/All_scenes/train_All.csv``.

    Its lines are ``Action/Happy/0267 Happy``, so it is no csv.

    Args:
        root (str): FERV39k's folder.
        part (str): ``'train'`` or ``'test'``.
        clips (str): folder of the clips below root. Defaults to ``CLIPS``.

    Returns:
        tuple: list[ListedClip] and list[str], as returned by ``read_list``.

    Raises:
        FileNotFoundError: the list is not there.
    """
    path = os.path.join(root, '4_setups', 'All_scenes', f'{part}_All.csv')
    if not os.path.isfile(path):
        raise missing('FERV39k', path, HOW_TO_GET, 'list file')
    rows, problems = read_list(path, kind='names')
    folder = os.path.join(root, clips)
    return [row._replace(path=find_clip(folder, row.path)) for row in rows], problems


@DATASETS.register_module()
class FERV39kDataset(OpenSetVideoDataset):
    """FERV39k in its official layout:

        data_root/2_ClipsforFaceCrop/Action/Happy/0267/*.jpg
        data_root/4_setups/All_scenes/{train,test}_All.csv

    Args:
        clips (str): folder of the face frames. Defaults to ``'2_ClipsforFaceCrop'``.
        *args (Any): see ``OpenSetVideoDataset``.
        **kwargs (Any): see ``OpenSetVideoDataset``.

    Raises:
        InputError: see ``OpenSetVideoDataset``.
    """
    ALL_CLASSES = BASIC
    HOW_TO_GET = HOW_TO_GET

    def __init__(self, *args, clips=CLIPS, **kwargs):
        self.clips = clips
        super().__init__(*args, **kwargs)

    def list_clips(self, part):
        return ferv39k_clips(self.data_root, part, self.clips)
