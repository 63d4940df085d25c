"""MAFW: eleven emotions and 32 compounds of them in short videos (Liu et al., ACM MM 2022)."""
import os

from mmaction.registry import DATASETS
from mmengine.logging import print_log

from ..errors import InputError
from ..text import printable
from .afew import HOW_TO_GET as HOW_TO_GET_AFEW
from .afew import afew_clips, afew_others
from .clip_paths import find_clip
from .emotions import BASIC, COMPOUNDS, MAFW, MAFW_COMPOUNDS
from .lists import read_list
from .official_lists import check_fold, missing
from .openset import OpenSetVideoDataset

HOW_TO_GET = ("ask its authors for MAFW and unpack its folders 'data' and 'Train & Test Set' "
              'there, or make synthetic clips: python tools/data/make_synthetic.py --layout mafw '
              '--out DIR')
CLIPS = 'data/clips'


def mafw_clips(root, part, fold=1, kind='single', clips=CLIPS):
    """List the clips of a part of MAFW, from the official lists (with or without captions).

    Args:
        root (str): MAFW's folder.
        part (str): ``'train'`` or ``'test'``.
        fold (int): 1 to 5.
        kind (str): ``'single'`` or ``'compound'``.
        clips (str): folder of the clips below root.

    Returns:
        tuple: list[ListedClip] and list[str], as returned by ``read_list``.

    Raises:
        FileNotFoundError: the list is not there.
    """
    lists = [os.path.join(root, 'Train & Test Set', kind, captions, f'set_{fold}', f'{part}.txt')
             for captions in ('no_caption', 'with_caption')]
    found = next((path for path in lists if os.path.isfile(path)), None)
    if found is None:
        raise missing('MAFW', lists[0], HOW_TO_GET, 'list file')
    rows, problems = read_list(found, kind='names')
    folder = os.path.join(root, *clips.split('/'))
    return [row._replace(path=find_clip(folder, row.path)) for row in rows], problems


@DATASETS.register_module()
class MAFWDataset(OpenSetVideoDataset):
    """MAFW in its official layout:

        data_root/data/clips/00001.mp4
        data_root/Train & Test Set/{single,compound}/{no_caption,with_caption}/set_1/train.txt

    A clip may also be a folder of frames, ``data/faces/00001/*.jpg`` with ``clips='data/faces'``.

    Args:
        fold (int): 1 to 5. Defaults to 1.
        kind (str): ``'single'``, the eleven emotions, or ``'compound'``, these and the 32
            compounds. Defaults to ``'single'``.
        clips (str): folder of the clips. Defaults to ``'data/clips'``.
        *args (Any): see ``OpenSetVideoDataset``.
        **kwargs (Any): see ``OpenSetVideoDataset``.

    Raises:
        InputError: ``fold`` or ``kind`` is none of these; see also ``OpenSetVideoDataset``.
    """
    ALL_CLASSES = MAFW
    HOW_TO_GET = HOW_TO_GET

    def __init__(self, *args, fold=1, kind='single', clips=CLIPS, **kwargs):
        if kind not in ('single', 'compound'):
            raise InputError(f"kind must be 'single' or 'compound', not {kind!r}")
        self.fold, self.kind, self.clips = check_fold(fold), kind, clips
        if kind == 'compound':
            self.ALL_CLASSES = MAFW + MAFW_COMPOUNDS
        super().__init__(*args, **kwargs)

    def list_clips(self, part):
        return mafw_clips(self.data_root, part, self.fold, self.kind, self.clips)


def compound_task(singles, compounds, part):
    """The clips of a part of the compound task, and how many single clips it leaves out.

    MAFW labels many clips twice. A clip that is tested as a compound is no example of a
    basic emotion. It is neither trained on nor tested as one.

    Args:
        singles (list[ListedClip]): clips of the part.
        compounds (list[ListedClip]): clips of the compound test list.
        part (str): ``'train'`` or ``'test'``.

    Returns:
        tuple[list[ListedClip], int]: clips of the part, and the number of single clips left out.
    """
    unknown = [clip for clip in compounds if clip.emotion in COMPOUNDS]
    paths = {clip.path for clip in unknown}
    basic = [clip for clip in singles if clip.emotion in BASIC]
    known = [clip for clip in basic if clip.path not in paths]
    return known + (unknown if part == 'test' else []), len(basic) - len(known)


@DATASETS.register_module()
class MAFWCompoundDataset(OpenSetVideoDataset):
    """Task 4: trained on MAFW's basic emotions; the nine compounds made of them are unknown.

    Known clips come from the lists under ``single``, compounds from the test list under
    ``compound`` of the same fold. See ``compound_task`` for clips that are in both.

    Args:
        fold (int): 1 to 5. Defaults to 1.
        clips (str): folder of the clips. Defaults to ``'data/clips'``.
        *args (Any): see ``OpenSetVideoDataset``.
        **kwargs (Any): see ``OpenSetVideoDataset``.

    Raises:
        InputError: ``fold`` is not 1 to 5; see also ``OpenSetVideoDataset``.
    """
    ALL_CLASSES = BASIC + COMPOUNDS
    HOW_TO_GET = HOW_TO_GET

    def __init__(self, *args, fold=1, clips=CLIPS, **kwargs):
        self.fold, self.clips = check_fold(fold), clips
        super().__init__(*args, **kwargs)

    def list_clips(self, part):
        singles, problems = mafw_clips(self.data_root, part, self.fold, 'single', self.clips)
        compounds, more = mafw_clips(self.data_root, 'test', self.fold, 'compound', self.clips)
        clips, left_out = compound_task(singles, compounds, part)
        if left_out and part == self.part:
            print_log(f'{left_out} clips of the single list ({part}) are tested as compounds and '
                      'left out of the basic emotions', 'current')
        return clips, problems + more


@DATASETS.register_module()
class FusionDataset(OpenSetVideoDataset):
    """Task 3: AFEW and MAFW together; the basic emotions are known, MAFW's other four are not.

    A ``sample_id`` begins with ``AFEW/`` or ``MAFW/``.

    Args:
        mafw_root (str): MAFW's folder.
        fold (int): MAFW's fold, 1 to 5. Defaults to 1.
        faces (bool): AFEW's aligned faces instead of its videos. Defaults to False.
        clips (str): folder of MAFW's clips. Defaults to ``'data/clips'``.
        *args (Any): see ``OpenSetVideoDataset``; its ``data_root`` (str) is AFEW's folder.
        **kwargs (Any): see ``OpenSetVideoDataset``.

    Raises:
        InputError: ``mafw_root`` is not given, or ``fold`` is not 1 to 5; see also
            ``OpenSetVideoDataset``.
    """
    ALL_CLASSES = MAFW
    HOW_TO_GET = HOW_TO_GET_AFEW

    def __init__(self, *args, mafw_root=None, fold=1, faces=False, clips=CLIPS, **kwargs):
        if mafw_root is None:
            raise InputError('FusionDataset needs the folder of MAFW: set mafw_root')
        self.mafw_root, self.fold = os.path.expanduser(mafw_root), check_fold(fold)
        self.faces, self.clips = faces, clips
        super().__init__(*args, **kwargs)

    def list_clips(self, part):
        afew, problems = afew_clips(self.data_root, part, self.faces,
                                    None if self.classes == 'found' else BASIC)
        mafw, more = mafw_clips(self.mafw_root, part, self.fold, 'single', self.clips)
        return afew + mafw, problems + more

    def passed_over(self, part):
        return afew_others(self.data_root, part)

    def sample_id(self, path):
        roots = dict(AFEW=self.data_root, MAFW=self.mafw_root)
        # The longest one, because one may lie in the other.
        for name in sorted(roots, key=lambda n: -len(os.path.abspath(roots[n]))):
            relative = os.path.relpath(path, roots[name])
            if relative.split(os.sep)[0] != os.pardir:
                return printable(f'{name}/{relative}'.replace(os.sep, '/'))
        return printable(path.replace(os.sep, '/'))
