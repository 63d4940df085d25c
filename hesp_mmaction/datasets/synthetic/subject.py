"""Who acts: the looks of one person, drawn from a seed. No two data-set roles share a person."""
from dataclasses import dataclass

import numpy as np

# Colours are RGB. Names serve the captions.
SKINS = (('pale', (240, 208, 188)), ('fair', (232, 192, 162)), ('tanned', (222, 172, 132)),
         ('olive', (202, 154, 112)), ('brown', (160, 108, 76)), ('dark', (112, 74, 54)))
HAIRS = (('black', (34, 28, 28)), ('dark brown', (66, 44, 32)), ('brown', (110, 72, 44)),
         ('red', (160, 74, 36)), ('blond', (216, 176, 106)), ('grey', (158, 156, 156)),
         ('white', (222, 220, 216)))
EYES = (('brown', (88, 54, 30)), ('dark', (48, 34, 26)), ('blue', (72, 120, 172)),
        ('green', (84, 124, 84)), ('grey', (112, 124, 134)))
STYLES = ('bald', 'short', 'parted', 'fringe', 'curly', 'long', 'bob', 'bun')

# First person and number of persons of each role; AFEW's file names leave room for three digits.
ROLES = {'afew/train': (1, 70), 'afew/test': (301, 42), 'mafw/train': (501, 80),
         'mafw/test': (701, 60), 'pretrain': (100_001, 4000)}


@dataclass(frozen=True)
class Subject:
    """Looks of a person. Lengths are in units of half a face's height, see ``face.py``."""
    skin_name: str
    skin: tuple
    hair_name: str
    hair: tuple
    style: str
    eye_name: str
    iris: tuple
    lips: tuple         # colour
    clothes: tuple      # colour
    age: float          # 0 young .. 1 old, shows as lines
    beard: str          # '', 'stubble', 'moustache' or 'full'
    glasses: str        # '', 'round' or 'square'
    cheek: float        # half width of the face at the cheeks
    jaw: float          # half width at the jaw
    chin: float         # half width of the chin
    length: float       # how far the chin lies below the centre
    eye_distance: float
    eye_size: float
    eye_tilt: float
    brow_height: float
    brow_thickness: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    mouth_width: float
    mouth_height: float
    lip_fullness: float


def make_subject(person, seed=0):
    """Draw the looks of a person. The same numbers always make the same person.

    Args:
        person (int): number of the person.
        seed (int): seed of the world. Defaults to 0.

    Returns:
        Subject: the looks.
    """
    rng = np.random.default_rng((17, seed, person))
    skin_name, skin = SKINS[rng.integers(len(SKINS))]
    skin = _vary(skin, 9, rng)
    dark = skin_name in ('brown', 'dark')
    age = float(rng.beta(1.2, 1.8))
    odds = np.array([3, 3, 2, .1, .1, .2, .1] if dark else [2, 2, 2, .9, 1.6, .3, .1])
    odds[-2:] *= 12 * age ** 2
    hair_name, hair = HAIRS[rng.choice(len(HAIRS), p=odds / odds.sum())]
    manly = rng.random() < .5
    style_odds = [1, 3, 2.5, 1, 1.5, .4, .1, .1] if manly else [.05, .6, .8, 1.5, 1.2, 3, 2, 1.5]
    style = str(rng.choice(STYLES, p=np.array(style_odds) / sum(style_odds)))
    eye_name, iris = EYES[rng.integers(2) if dark else rng.integers(len(EYES))]
    red = rng.uniform(.12, .3) if manly else rng.uniform(.2, .6)
    lips = tuple((np.array(skin) * (.86 - .3 * red) * (1, .98 - .32 * red, 1 - .26 * red))
                 .astype(int).tolist())
    beard_odds = (.5, .2, .14, .16) if manly else (1, 0, 0, 0)
    return Subject(
        skin_name=skin_name, skin=skin, hair_name=hair_name, hair=_vary(hair, 8, rng), style=style,
        eye_name=eye_name, iris=_vary(iris, 8, rng), lips=lips,
        clothes=tuple(int(c) for c in rng.integers(40, 170, 3)), age=age,
        beard=str(rng.choice(['', 'stubble', 'moustache', 'full'], p=beard_odds)),
        glasses=str(rng.choice(['', 'round', 'square'], p=(.8, .1, .1))),
        cheek=rng.uniform(.68, .78), jaw=rng.uniform(.56, .68) + .03 * manly,
        chin=rng.uniform(.2, .32) + .04 * manly, length=rng.uniform(.94, 1.06),
        eye_distance=rng.uniform(.3, .345), eye_size=rng.uniform(.158, .19),
        eye_tilt=rng.uniform(-.02, .03), brow_height=rng.uniform(.17, .23) + .02 * (not manly),
        brow_thickness=rng.uniform(.026, .045) + .012 * manly, brow_tilt=rng.uniform(-.03, .04),
        nose_length=rng.uniform(.3, .4), nose_width=rng.uniform(.11, .165),
        mouth_width=rng.uniform(.26, .33), mouth_height=rng.uniform(.54, .6),
        lip_fullness=rng.uniform(.05, .085) + .012 * (not manly))


def _vary(colour, spread, rng):
    """The colour, a little lighter, darker or of another tint: tuple of 3 ints."""
    noise = rng.normal(0, spread) + rng.normal(0, spread / 3, 3)
    return tuple(int(c) for c in (np.array(colour) + noise).clip(10, 252))
