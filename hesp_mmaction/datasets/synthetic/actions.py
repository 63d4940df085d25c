"""Facial actions over time, in the units of the Facial Action Coding System (FACS).

AU1 inner brow raiser, AU2 outer brow raiser, AU4 brow lowerer, AU5 upper lid raiser, AU6 cheek
raiser, AU7 lid tightener, AU9 nose wrinkler, AU10 upper lip raiser, AU12 lip corner puller (smile),
AU14 dimpler, AU15 lip corner depressor, AU17 chin raiser, AU20 lip stretcher, AU23 lip tightener,
AU24 lip pressor, AU25 lips part, AU26 jaw drop, AU43 eyes closed.

An intensity runs from 0 (at rest) to 1 (as far as it goes). Actions of one frame are an array of
shape (units, 2): left and right half of the picture. This module knows nothing of drawing.
"""
import numpy as np

from hesp_mmaction.datasets.emotions import BASIC, COMPOUNDS, MAFW, in_force
from hesp_mmaction.errors import InputError

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 43)

# Emotion -> {unit: (probability that the unit takes part, its mean intensity)}.
# The prototypes of EMFACS, softened: people seldom show all units of the textbook at once.
RECIPES = dict(
    anger={4: (.90, .80), 5: (.45, .50), 7: (.80, .65), 23: (.65, .65), 24: (.50, .65),
           10: (.20, .40), 17: (.30, .45), 25: (.25, .50), 26: (.15, .45)},
    disgust={9: (.85, .75), 10: (.80, .75), 4: (.40, .40), 6: (.30, .40), 7: (.45, .45),
             15: (.30, .40), 17: (.45, .55), 25: (.35, .40)},
    fear={1: (.85, .75), 2: (.55, .55), 4: (.60, .50), 5: (.80, .75), 20: (.75, .70),
          25: (.65, .55), 26: (.40, .40)},
    happiness={6: (.80, .70), 12: (.95, .80), 25: (.60, .60), 26: (.20, .30), 7: (.20, .30)},
    neutral={4: (.10, .15), 12: (.10, .12), 24: (.15, .20), 25: (.15, .25), 43: (.10, .20)},
    sadness={1: (.80, .70), 4: (.60, .45), 15: (.85, .75), 17: (.45, .50), 43: (.45, .35),
             7: (.15, .30)},
    surprise={1: (.85, .75), 2: (.90, .80), 5: (.75, .65), 25: (.85, .65), 26: (.75, .65)},
    contempt={12: (.70, .50), 14: (.90, .75), 24: (.30, .40), 43: (.30, .25), 2: (.20, .40)},
    anxiety={1: (.75, .55), 4: (.70, .50), 5: (.35, .35), 20: (.40, .40), 23: (.45, .50),
             24: (.50, .55), 14: (.25, .40)},
    helplessness={1: (.85, .70), 2: (.45, .45), 15: (.60, .55), 17: (.35, .40), 25: (.40, .35),
                  43: (.40, .40)},
    disappointment={15: (.65, .50), 14: (.50, .50), 17: (.60, .55), 24: (.55, .55), 4: (.40, .35),
                    1: (.35, .35), 43: (.40, .35)})

# Units shown by one half of the face only, which is what makes a smirk of a smile.
ONE_SIDED = dict(contempt=(12, 14, 2))

DROPOUT = .12       # a unit of the recipe does not show at all, whatever its probability
EXTRA = .9          # mean number of units that have nothing to do with the emotion
SPREAD = .20        # standard deviation of a unit's intensity
STRENGTH = (.55, 1.1)   # how strongly this clip is acted, a factor on all units of the recipe
OWN = .85           # probability of each action unit that the user gives an emotion
SPEECH = .35        # share of clips in which the person talks


def index(unit):
    """Row of a FACS unit number in an array of actions.

    Args:
        unit (int): number of the unit in FACS, one of ``UNITS``.

    Returns:
        int: its row.
    """
    return UNITS.index(unit)


def own_recipe(name):
    """``{unit: (probability, mean)}`` of an emotion that does not ship, from its action units.

    Args:
        name (str): canonical name in the vocabulary in force.

    Returns:
        dict[int, tuple[float, float]]: each unit takes part with the probability ``OWN``.

    Raises:
        InputError: it has no action units, or one that cannot be drawn.
    """
    emotion = in_force().emotions.get(name)
    if emotion is None or not emotion.action_units:
        raise InputError(f'{name} cannot be drawn: give it action_units in the file of emotions, '
                         'such as {AU12: 0.8}')
    units = {int(unit[2:]): strength for unit, strength in sorted(emotion.action_units.items())}
    wrong = sorted(set(units) - set(UNITS))
    if wrong:
        raise InputError(f'{name}: action_units: AU{wrong[0]} cannot be drawn; '
                         f'there are {", ".join(f"AU{unit}" for unit in UNITS)}')
    return {unit: (OWN, strength) for unit, strength in units.items()}


def recipe(emotion):
    """Look up how often and how strongly an emotion uses each action unit. A compound blends its
    parts.

    Args:
        emotion (str): an emotion, or parts of a compound joined by ``_``.

    Returns:
        dict[int, tuple[float, float]]: FACS unit to its probability and its mean intensity, from 0
        to 1.
    """
    recipes = {part: RECIPES.get(part) or own_recipe(part) for part in emotion.split('_')}
    blend = {}
    for part in recipes:
        for unit, (probability, mean) in recipes[part].items():
            known = blend.get(unit, (0., 0.))
            blend[unit] = (max(known[0], probability), max(known[1], mean))
    if '_' not in emotion:
        return blend
    # Nobody acts the full sum of two prototypes: what only one part asks for is acted weaker.
    shared = [unit for unit in blend if all(unit in units for units in recipes.values())]
    return {unit: (p, m) if unit in shared else (.9 * p, .85 * m) for unit, (p, m) in blend.items()}


def sample_apex(emotion, rng):
    """Draw the actions at the apex of one showing of an emotion.

    Args:
        emotion (str): an emotion or a compound, see ``recipe``.
        rng (np.random.Generator): source of the draws.

    Returns:
        np.ndarray: intensities (units, 2) of the left and the right half, float32, from 0 to 1.
    """
    apex = np.zeros((len(UNITS), 2), np.float32)
    strength = rng.uniform(*STRENGTH)
    side = rng.integers(2)
    for unit, (probability, mean) in recipe(emotion).items():
        if rng.random() > probability * (1 - DROPOUT):
            continue
        intensity = strength * max(rng.normal(mean, SPREAD), 0)
        apex[index(unit)] = intensity * rng.normal(1, .12, 2)
        if unit in ONE_SIDED.get(emotion, ()):
            apex[index(unit), 1 - side] *= .15
    for unit in rng.choice(UNITS[:-1], rng.poisson(EXTRA), replace=False):
        apex[index(unit)] += rng.uniform(.1, .6) * rng.normal(1, .1, 2)
    return apex.clip(0, 1)


def envelope(frames, rng):
    """Draw the course of one action: onset, apex and offset.

    Args:
        frames (int): F, number of frames.
        rng (np.random.Generator): source of the draws.

    Returns:
        np.ndarray: (F,) float32, from about 0 to 1.
    """
    begin, rise = rng.uniform(-.05, .2), rng.uniform(.15, .35)
    fall = rng.uniform(.7, 1.3)     # beyond 1: the clip ends before the face relaxes
    time = np.linspace(0, 1, frames)
    up = ((time - begin) / rise).clip(0, 1)
    down = ((time - fall) / .3).clip(0, 1)
    smooth = [x * x * (3 - 2 * x) for x in (up, down)]
    return (smooth[0] * (1 - .8 * smooth[1])).astype(np.float32)


def sample_clip(emotion, frames, rng):
    """Draw the actions over a clip.

    The units of the emotion rise together with little lags. Blinks and speech come on top.

    Args:
        emotion (str): an emotion or a compound, see ``recipe``.
        frames (int): F, number of frames.
        rng (np.random.Generator): source of the draws.

    Returns:
        np.ndarray: intensities (F, units, 2) of the left and the right half, float32, from 0 to 1.
    """
    apex = sample_apex(emotion, rng)
    common, own = envelope(frames, rng), np.stack([envelope(frames, rng) for _ in UNITS], 1)
    course = .7 * common[:, None] + .3 * own
    acts = course[..., None] * apex
    if rng.random() < SPEECH:
        acts = acts + _speech(frames, rng)
    if rng.random() < .4:
        middle = rng.uniform(0, frames)
        blink = np.exp(-((np.arange(frames) - middle) / 1.3) ** 2)
        acts[:, index(43)] = np.maximum(acts[:, index(43)], blink[:, None])
    return acts.clip(0, 1).astype(np.float32)


def _speech(frames, rng):
    """Jaw and lips of somebody talking: (frames, units, 2), to be added."""
    acts = np.zeros((frames, len(UNITS), 2))
    beat = rng.uniform(.6, 1.1) * np.arange(frames) + rng.uniform(0, 6)
    swing = (.5 + .5 * np.sin(beat)) * rng.uniform(.2, .5)
    acts[:, index(25)] += swing[:, None]
    acts[:, index(26)] += .6 * swing[:, None]
    acts[:, index(20)] += .4 * swing[::-1, None] * rng.random()
    return acts


assert set(RECIPES) == set(MAFW), 'every emotion of datasets/emotions.py needs a recipe'
assert {p for c in COMPOUNDS for p in c.split('_')} <= set(BASIC)
