"""AFEW: seven emotions in film clips (Dhall et al., IEEE MultiMedia 2012)."""
import os

from mmaction.registry import DATASETS

from ..errors import InputError
from .emotions import BASIC, canonical
from .openset import VIDEO_EXTENSIONS, OpenSetVideoDataset


@DATASETS.register_module()
class AFEWDataset(OpenSetVideoDataset):
    """AFEW in its official layout, one folder per emotion::

        data_root/Train_AFEW/{Angry,Disgust,Fear,Happy,Neutral,Sad,Surprise}/*.avi   part='train'
        data_root/Val_AFEW/...                                                       part='test'

    The labels of AFEW's own test set are not public, so its validation set is the test part.
    Arguments and errors: :class:`OpenSetVideoDataset`; a folder that is no emotion of AFEW stops
    with a ValueError.
    """
    ALL_CLASSES = BASIC
    HOW_TO_GET = ('ask its authors for AFEW and unpack Train_AFEW and Val_AFEW there, or make '
                  'synthetic clips: python tools/data/make_synthetic.py --layout afew --out DIR')
    FOLDERS = dict(train='Train_AFEW', test='Val_AFEW')

    def list_clips(self):
        root = os.path.join(self.data_root, self.FOLDERS[self.part])
        if not os.path.isdir(root):
            raise self.missing(root)
        clips = []
        for folder in _visible(root):
            path = os.path.join(root, folder)
            if os.path.isdir(path):
                emotion = self._emotion(path, folder)
                clips += [(os.path.join(path, file), emotion) for file in _visible(path)
                          if file.lower().endswith(VIDEO_EXTENSIONS)]
        return clips

    def _emotion(self, path, folder):
        try:
            emotion = canonical(folder)
        except ValueError:
            emotion = None
        if emotion not in self.ALL_CLASSES:
            raise InputError(f'{path} is not a folder of an AFEW emotion; move it elsewhere or '
                             f'name it as one of {", ".join(self.ALL_CLASSES)}')
        return emotion


def _visible(folder):
    return [name for name in os.listdir(folder) if not name.startswith('.')]
