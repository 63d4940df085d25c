"""A picture of what the generator makes: emotions by subjects, and one clip in time."""
import cv2
import numpy as np

from hesp_mmaction.datasets.emotions import MAFW

from .actions import RECIPES, UNITS, index
from .clips import make_clip
from .face import draw_face
from .scene import BACKGROUNDS, Pose, Scene, film
from .subject import ROLES, make_subject

LABEL = 96      # width of the column of names


def contact_sheet(seed=0, columns=9, size=96):
    """Draw emotions in rows and one subject in each column, at a clear apex. The last row is one
    clip in time.

    Args:
        seed (int): seed of the world. Defaults to 0.
        columns (int): number of subjects. Defaults to 9.
        size (int): side of a picture in pixels. Defaults to 96.

    Returns:
        np.ndarray: RGB, uint8 (rows * size, LABEL + columns * size, 3).
    """
    first = ROLES['afew/train'][0]
    rows = [(name, [_apex(name, first + k, seed, size) for k in range(columns)]) for name in MAFW]
    strip = make_clip('surprise', first + 4, 7, seed, size)
    steps = np.linspace(0, .75 * len(strip), columns).astype(int)
    rows.append(('in time', [strip[k] for k in steps]))
    return np.vstack([np.hstack([_label(name, size), *pictures]) for name, pictures in rows])


def _apex(emotion, person, seed, size):
    """Returns an emotion's textbook actions with small variations for each subject."""
    rng = np.random.default_rng((53, seed, person, MAFW.index(emotion)))
    acts = np.zeros((len(UNITS), 2))
    for unit, (probability, mean) in RECIPES[emotion].items():
        if probability > .4 or rng.random() < .3:
            acts[index(unit)] = mean * rng.uniform(.95, 1.25) * (probability > .2)
    if emotion == 'contempt':
        acts[[index(12), index(14)], rng.integers(2)] *= .1
    world = np.random.default_rng((59, seed, person))     # the same in all rows of a column
    pose = Pose(yaw=world.normal(0, .2), pitch=world.normal(0, .06), roll=rng.normal(0, .04),
                scale=1.02, y=.02)
    scene = Scene(background=list(BACKGROUNDS)[person % len(BACKGROUNDS)], pattern=person,
                  side=world.uniform(-1, 1), contrast=.2, noise=0.)
    picture = draw_face(make_subject(person, seed), acts.clip(0, 1), pose, scene, size)
    return film(picture, scene, rng)


def _label(name, size):
    cell = np.full((size, LABEL, 3), 255, np.uint8)
    width = cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, .38, 1)[0][0]
    cv2.putText(cell, name, (LABEL - width - 6, size // 2 + 4), cv2.FONT_HERSHEY_SIMPLEX, .38,
                (30, 30, 30), 1, cv2.LINE_AA)
    return cell
