"""Single pictures of faces for pre-training, of people who appear in no data set."""
from functools import partial

import numpy as np
from tqdm import tqdm

from hesp_mmaction.datasets.emotions import MAFW

from .actions import UNITS, sample_clip
from .face import draw_face
from .scene import film, sample_poses, sample_scene
from .subject import ROLES, make_subject
from .workers import worker_pool

LOOSE = .3      # share of pictures whose units go together at random, as no emotion does


def make_picture(number, seed=0, size=96):
    """Make one picture: a frame of a clip that is never filmed.

    Args:
        number (int): number of the picture in the world of ``seed``.
        seed (int): seed of the world. Defaults to 0.
        size (int): side of the picture in pixels. Defaults to 96.

    Returns:
        tuple: the RGB picture (size, size, 3) in uint8, and its facts ``(subject, acts, pose,
        scene, emotion)``, the arguments of ``caption``.
    """
    rng = np.random.default_rng((61, seed, number))
    first, people = ROLES['pretrain']
    subject = make_subject(first + int(rng.integers(people)), seed)
    emotion = MAFW[rng.integers(len(MAFW))]
    # The first frame is at rest, the middle ones are near the apex.
    moment = rng.choice(9, p=(.08, .04, .08, .14, .16, .16, .14, .1, .1))
    acts = sample_clip(emotion, 9, rng)[moment]
    if rng.random() < LOOSE:
        emotion = 'neutral'
        acts = ((rng.random((len(UNITS), 1)) < .25) * rng.random((len(UNITS), 2)))
    pose, scene = sample_poses(3, rng)[1], sample_scene(rng)
    picture = film(draw_face(subject, acts, pose, scene, size), scene, rng)
    return picture, (subject, acts, pose, scene, emotion)


def make_pictures(count, seed=0, size=96, workers=2):
    """Make the first pictures of a world in several processes.

    Args:
        count (int): N, number of pictures.
        seed (int): seed of the world. Defaults to 0.
        size (int): side of a picture in pixels. Defaults to 96.
        workers (int): number of processes. Defaults to 2.

    Returns:
        tuple: pictures (N, size, size, 3) in uint8, and the list of their facts, see
        ``make_picture``.
    """
    pictures, facts = np.empty((count, size, size, 3), np.uint8), []
    with worker_pool(workers) as pool:
        made = pool.imap(partial(make_picture, seed=seed, size=size), range(count), chunksize=32)
        for n, (picture, fact) in enumerate(tqdm(made, 'pictures', count, mininterval=5)):
            pictures[n] = picture
            facts.append(fact)
    return pictures, facts
