"""AFEW: seven emotions in film clips (Dhall et al., IEEE MultiMedia 2012)."""
import os

from mmaction.registry import DATASETS

from .emotions import BASIC, canonical
from .lists import VIDEO_EXTENSIONS, Clip
from .openset import OpenSetVideoDataset, missing

HOW_TO_GET = ('ask its authors for AFEW and unpack Train_AFEW and Val_AFEW there, or make '
              'synthetic clips: python tools/data/make_synthetic.py --layout afew --out DIR')
FOLDERS = dict(train='Train_AFEW', test='Val_AFEW')
FACES = dict(train='AlignedFaces_LBPTOP_Points', test='AlignedFaces_LBPTOP_Points_Val')


def afew_clips(root, part, faces=False):
    """Clips of a part of AFEW, the emotion being the folder of the video.

    Args:
        root (str): AFEW's folder. part (str): ``'train'`` or ``'test'``.
        faces (bool): the aligned face folders of the same ids in place of the videos.

    Returns:
        tuple: list[Clip] and list[str], a message for every folder that is no emotion.

    Raises:
        FileNotFoundError: the folder of the part, or of its faces, is not there.
    """
    videos = os.path.join(root, FOLDERS[part])
    if not os.path.isdir(videos):
        raise missing('AFEW', videos, HOW_TO_GET)
    face_folder = _face_folder(root, part) if faces else None
    clips, problems = [], []
    for name in _visible(videos):
        folder = os.path.join(videos, name)
        if not os.path.isdir(folder) or name in FACES.values():
            continue
        emotion = _emotion(name)
        if emotion is None:
            problems.append(f'{folder} is not a folder of an AFEW emotion; move it elsewhere or '
                            f'name it as one of {", ".join(BASIC)}')
            continue
        for file in _visible(folder):
            stem, extension = os.path.splitext(file)
            if extension.lower() in VIDEO_EXTENSIONS:
                path = os.path.join(face_folder, stem) if faces else os.path.join(folder, file)
                clips.append(Clip(path, emotion))
    return clips, problems


def _face_folder(root, part):
    """Some archives have the faces beside the videos' folder, some in it."""
    places = [os.path.join(root, *inside, FACES[part], 'Faces')
              for inside in ((), (FOLDERS[part],))]
    found = next((place for place in places if os.path.isdir(place)), None)
    if found is None:
        raise missing('AFEW', places[0], 'unpack the aligned faces there or set faces=False')
    return found


def _emotion(folder):
    try:
        emotion = canonical(folder)
    except ValueError:
        return None
    return emotion if emotion in BASIC else None


def _visible(folder):
    return [name for name in os.listdir(folder) if not name.startswith('.')]


@DATASETS.register_module()
class AFEWDataset(OpenSetVideoDataset):
    """AFEW in its official layout, one folder per emotion::

        data_root/Train_AFEW/{Angry,Disgust,Fear,Happy,Neutral,Sad,Surprise}/*.avi   part='train'
        data_root/Val_AFEW/...                                                       part='test'
        data_root/AlignedFaces_LBPTOP_Points[_Val]/Faces/<id>/*.jpg                  faces=True

    The labels of AFEW's own test set are not public, so its validation set is the test part.
    Faces take their label from the video of the same id.

    Args:
        faces (bool): the aligned faces instead of the videos. Defaults to False.

    Other arguments and errors: :class:`OpenSetVideoDataset`.
    """
    ALL_CLASSES = BASIC
    HOW_TO_GET = HOW_TO_GET

    def __init__(self, *args, faces=False, **kwargs):
        self.faces = faces
        super().__init__(*args, **kwargs)

    def list_clips(self, part):
        return afew_clips(self.data_root, part, self.faces)
