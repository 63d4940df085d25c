"""Data sets of drawn clips on disk, in the folder layouts of AFEW and MAFW."""
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from hesp_mmaction.datasets.emotions import BASIC, COMPOUNDS, MAFW
from hesp_mmaction.errors import InputError
from hesp_mmaction.files import whole

from .actions import recipe
from .clips import make_clip, write_video
from .subject import ROLES
from .workers import worker_pool

VERSION = 1     # raise it whenever the same seed makes other frames
MARKER, UNFINISHED = 'synthetic.json', 'synthetic.unfinished.json'
PER_CLASS = dict(afew=(40, 30), mafw=(36, 22))
AFEW_FOLDERS = dict(anger='Angry', disgust='Disgust', fear='Fear', happiness='Happy',
                    neutral='Neutral', sadness='Sad', surprise='Surprise')
MAFW_LISTS = 'Train & Test Set/{}/no_caption/set_1/{}.txt'


@dataclass(frozen=True)
class Entry:
    """One clip to be made."""
    path: str       # below the data set's folder
    emotion: str
    person: int
    number: int
    split: str      # 'train', 'test' or 'compound'


def cast(role, count, rng, people=None):
    """Draw ``count`` persons of a role, each about equally often, in random order.

    Args:
        role (str): one of ``ROLES``.
        count (int): how many, with repetitions.
        rng (numpy.random.Generator): draws the order.
        people (int, optional): how many different persons. Defaults to None: as many as the role
            has.

    Returns:
        list[int]: numbers of the persons.
    """
    first, usual = ROLES[role]
    people = people or usual
    rounds = [rng.permutation(people) for _ in range(-(-count // people))]
    return (first + np.concatenate(rounds)[:count]).tolist()


def plan_afew(seed, per_class, people=None, emotions=BASIC):
    """Plan the clips of an AFEW layout: ``Train_AFEW/Angry/SSSNNNNNN.avi``, S the person, N the
    clip.

    Args:
        seed (int): seed of the world.
        per_class (tuple[int, int]): clips of an emotion in the training and in the test part.
        people (int, optional): number of persons of the training part. Defaults to None, as many as
            ``ROLES`` says.
        emotions (Sequence[str]): the classes. Defaults to ``BASIC``.

    Returns:
        list[Entry]: one for each clip.
    """
    emotions = tuple(emotions)
    rng, entries = np.random.default_rng((41, seed)), []
    for split, folder, count in zip(('train', 'test'), ('Train_AFEW', 'Val_AFEW'), per_class,
                                    strict=True):
        actors = cast(f'afew/{split}', count * len(emotions), rng,
                      people if split == 'train' else None)
        for person, emotion in zip(actors, emotions * count, strict=True):
            number = len(entries) + 1
            name = AFEW_FOLDERS.get(emotion, emotion.capitalize())
            path = f'{folder}/{name}/{person:03d}{number:06d}.avi'
            entries.append(Entry(path, emotion, person, number, split))
    return entries


def plan_mafw(seed, per_class, people=None):
    """Plan the clips of a MAFW layout: ``data/clips/00001.mp4``, in the order of the lists.

    Args:
        seed (int): seed of the world.
        per_class (tuple[int, int]): clips of an emotion in the training and in the test part.
        people (int, optional): number of persons of the training part. Defaults to None, as many as
            ``ROLES`` says.

    Returns:
        list[Entry]: one for each clip.
    """
    rng, entries = np.random.default_rng((43, seed)), []
    compounds = max(1, round(per_class[1] * 18 / PER_CLASS['mafw'][1]))
    for split, role, names, count in (('train', 'train', MAFW, per_class[0]),
                                      ('test', 'test', MAFW, per_class[1]),
                                      ('compound', 'test', COMPOUNDS, compounds)):
        actors = cast(f'mafw/{role}', count * len(names), rng,
                      people if role == 'train' else None)
        for person, emotion in zip(actors, names * count, strict=True):
            number = len(entries) + 1
            path = f'data/clips/{number:05d}.mp4'
            entries.append(Entry(path, emotion, person, number, split))
    return entries


def mafw_lists(entries):
    """Write the text of MAFW's official list files. Compounds are tested on and never trained.

    Args:
        entries (list[Entry]): the clips of ``plan_mafw``.

    Returns:
        dict[str, str]: path of a list file to its text.
    """
    def lines(split):
        return ''.join(f'{Path(e.path).name} {e.emotion}\n' for e in entries if e.split == split)

    return {MAFW_LISTS.format('single', 'train'): lines('train'),
            MAFW_LISTS.format('single', 'test'): lines('test'),
            MAFW_LISTS.format('compound', 'train'): lines('train'),
            MAFW_LISTS.format('compound', 'test'): lines('compound')}


def write_dataset(layout, out, seed=0, per_class=None, workers=2, people=None,
                  emotions=None):
    """Draw the clips of a whole data set and write its lists, unless it exists already.

    Args:
        layout (str): ``afew`` or ``mafw``.
        out (str | Path): its folder. It is new or empty, or holds a data set of the same options.
        seed (int): clips of another seed show other people.
        per_class (tuple[int, int]): training and test clips per class.
        workers (int): processes.
        people (int, optional): how many persons act the training clips. By default ``ROLES`` sets
            the number. For the test clips it always does.
        emotions (Sequence[str], optional): classes of the layout ``afew`` in place of the seven.
            An emotion of your own needs action units.

    Returns:
        bool: False if the data set existed already.

    Raises:
        InputError: ``people`` is less than 1 or would reach the test part's persons, ``out``
            holds something else, or ``emotions`` cannot be drawn or are for another layout.
    """
    out, per_class = Path(out), tuple(per_class or PER_CLASS[layout])
    first, usual = ROLES[f'{layout}/train']
    most = ROLES[f'{layout}/test'][0] - first  # nobody may be in both parts
    people = usual if people is None else people
    if not 1 <= people <= most:
        raise InputError(f'--people {people}: one of 1 .. {most} for {layout}')
    if emotions and layout != 'afew':
        raise InputError('emotions of your own are drawn in the layout afew: give --layout afew')
    plan = partial(plan_afew, emotions=emotions or BASIC) if layout == 'afew' else plan_mafw
    entries = plan(seed, per_class, people)
    own = {name: {str(unit): values[1] for unit, values in recipe(name).items()}
           for name in emotions or ()}
    description = dict(layout=layout, seed=seed, per_class=list(per_class), clips=len(entries),
                       version=VERSION) | (
                           {} if people == usual else dict(people=people)) | (
                           dict(emotions=own) if own else {})
    if _is_finished(out, description):
        return False
    for folder in {(out / entry.path).parent for entry in entries}:
        folder.mkdir(parents=True, exist_ok=True)
    _write_text(out / UNFINISHED, json.dumps(description))
    with worker_pool(workers) as pool:
        job = partial(_make_entry, out=out, seed=seed)
        for _ in tqdm(pool.imap_unordered(job, entries, chunksize=4), f'{layout} clips',
                      len(entries), leave=False):
            pass
    for name, text in (mafw_lists(entries) if layout == 'mafw' else {}).items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        _write_text(out / name, text)
    _write_text(out / MARKER, json.dumps(description))
    (out / UNFINISHED).unlink()
    return True


def _make_entry(entry, out, seed):
    write_video(out / entry.path, make_clip(entry.emotion, entry.person, entry.number, seed))


def _is_finished(out, description):
    """Whether ``out`` holds this data set; raises InputError if it holds anything else."""
    for name in (MARKER, UNFINISHED):
        if (out / name).is_file():
            found = json.loads((out / name).read_text())
            if found != description:
                raise InputError(
                    f'{out} holds another synthetic data set ({found}, wanted {description}): '
                    'choose another --out or delete that folder')
            return name == MARKER
    if out.exists() and any(out.iterdir()):
        raise InputError(f'{out} is not empty and has no {MARKER}, so it is not a folder of '
                              'this tool: choose another --out')
    return False


def _write_text(path, text):
    with whole(path) as file:
        file.write(text)
