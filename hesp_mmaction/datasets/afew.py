"""AFEW: seven emotions in film clips (Dhall et al., IEEE MultiMedia 2012)."""
import os

from mmaction.registry import DATASETS

from .clip_loading import list_images
from .decoding import VIDEO_EXTENSIONS
from .emotions import BASIC, in_force, label_of
from .list_cells import ListedClip
from .official_lists import missing
from .openset import OpenSetVideoDataset

HOW_TO_GET = ('ask its authors for AFEW and unpack Train_AFEW and Val_AFEW there, or make '
              'synthetic clips: python tools/data/make_synthetic.py --layout afew --out DIR')
FOLDERS = dict(train='Train_AFEW', test='Val_AFEW')
FACES = dict(train='AlignedFaces_LBPTOP_Points', test='AlignedFaces_LBPTOP_Points_Val')


def afew_clips(root, part, faces=False, classes=BASIC):
    """List the clips of a part of AFEW; the folder of a video names its emotion.

    Args:
        root (str): AFEW's folder.
        part (str): ``'train'`` or ``'test'``.
        faces (bool): list the aligned face folders of the same ids in place of the clips.
        classes (Sequence[str] | None): emotions that may occur. None allows any.

    Returns:
        tuple: list[ListedClip] and list[str], a message for every folder that is no such emotion.

    Raises:
        FileNotFoundError: the folder of the part, or of its faces, is not there.
    """
    folders = _emotion_folders(root, part)
    face_folder = _face_folder(root, part) if faces else None
    clips, problems = [], []
    for folder, emotion in folders:
        if emotion is None or (classes and emotion not in classes):
            names = ', '.join(classes or in_force().emotions)
            remedy = 'move it elsewhere or ' + (
                f'name it as one of {names}' if emotion is None else
                'set classes=found, to take all emotions that occur')
            problems.append(f'{folder} is not a folder of an AFEW emotion; {remedy}')
            continue
        for path in _clips_and_others(folder)[0]:
            stem = os.path.splitext(os.path.basename(path))[0]
            clips.append(ListedClip(os.path.join(face_folder, stem) if faces else path, emotion))
    return clips, problems


def afew_others(root, part):
    """List what lies in the folders of the emotions and is no clip.

    Args:
        root (str): AFEW's folder.
        part (str): ``'train'`` or ``'test'``.

    Returns:
        list[str]: sorted paths. A folder of frames beside the video that they come from counts too.
    """
    return sorted(path for folder, _ in _emotion_folders(root, part)
                  for path in _clips_and_others(folder)[1])


def _emotion_folders(root, part):
    """Returns pairs of folder and canonical emotion, None if its name is no emotion."""
    videos = os.path.join(root, FOLDERS[part])
    if not os.path.isdir(videos):
        raise missing('AFEW', videos, HOW_TO_GET)
    return [(os.path.join(videos, name), label_of(name)) for name in _visible(videos)
            if os.path.isdir(os.path.join(videos, name)) and name not in FACES.values()]


def _clips_and_others(folder):
    """Returns paths of videos and folders of frames, and of all else except hidden files."""
    names = _visible(folder)
    videos = {os.path.splitext(name)[0] for name in names if _is_video(folder, name)}
    clips, others = [], []
    for name in names:
        path = os.path.join(folder, name)
        frames = os.path.isdir(path) and name not in videos and bool(list_images(path))
        (clips if frames or _is_video(folder, name) else others).append(path)
    return clips, others


def _is_video(folder, name):
    return name.lower().endswith(VIDEO_EXTENSIONS) and not os.path.isdir(os.path.join(folder, name))


def _face_folder(root, part):
    """Returns the faces' folder, which lies beside the videos' folder or in it."""
    places = [os.path.join(root, *inside, FACES[part], 'Faces')
              for inside in ((), (FOLDERS[part],))]
    found = next((place for place in places if os.path.isdir(place)), None)
    if found is None:
        raise missing('AFEW', places[0], 'unpack the aligned faces there or set faces=False')
    return found


def _visible(folder):
    return [name for name in os.listdir(folder) if not name.startswith('.')]


@DATASETS.register_module()
class AFEWDataset(OpenSetVideoDataset):
    """AFEW in its official layout, one folder per emotion:

        data_root/Train_AFEW/{Angry,Disgust,Fear,Happy,Neutral,Sad,Surprise}/*.avi   part='train'
        data_root/Val_AFEW/...                                                       part='test'
        data_root/AlignedFaces_LBPTOP_Points[_Val]/Faces/<id>/*.jpg                  faces=True

    The labels of AFEW's own test set are not public, so its validation set is the test part.
    Faces take their label from the video of the same id. A clip may also be a folder of frames,
    ``Train_AFEW/Angry/000/*.jpg``.

    Args:
        faces (bool): the aligned faces instead of the videos. Defaults to False.
        *args (Any): see ``OpenSetVideoDataset``.
        **kwargs (Any): see ``OpenSetVideoDataset``.

    Raises:
        InputError: see ``OpenSetVideoDataset``.
    """
    ALL_CLASSES = BASIC
    HOW_TO_GET = HOW_TO_GET

    def __init__(self, *args, faces=False, **kwargs):
        self.faces = faces
        super().__init__(*args, **kwargs)

    def list_clips(self, part):
        return afew_clips(self.data_root, part, self.faces,
                          None if self.classes == 'found' else self.ALL_CLASSES)

    def passed_over(self, part):
        return afew_others(self.data_root, part)
