"""One frame: a subject's face with given facial actions, pose and scene."""
import cv2
import numpy as np

from .actions import UNITS
from .eyes import EYE_Y, draw_brow, draw_eye
from .hair import OUTLINE_TURN, draw_back_hair, draw_beard, draw_front_hair, draw_glasses
from .mouth import draw_mouth
from .pen import Pen, curve, mirror, mix, shade
from .scene import backdrop, light_map

SUPERSAMPLE = 2     # drawn this much larger, then averaged: smooth edges at low cost
FLESH = .5          # grey level of a shadow map where it changes nothing (times 255)


def draw_face(subject, actions, pose, scene, size):
    """Draw one frame, without the camera's faults (``film`` adds them).

    Args:
        subject (Subject): who is drawn, see ``Subject``.
        actions (np.ndarray): intensities (units, 2) of the FACS units, for the left and right half
            of the picture.
        pose (Pose): pose of the head, see ``Pose``.
        scene (Scene): light, background and camera, see ``Scene``.
        size (int): side of the picture in pixels.

    Returns:
        np.ndarray: RGB, uint8 (size, size, 3).
    """
    halves = dict(zip(UNITS, np.asarray(actions).tolist(), strict=True))

    def act(unit, side=None):
        left, right = halves[unit]
        return (left + right) / 2 if side is None else (left, right)[(side + 1) // 2]

    large = size * SUPERSAMPLE
    canvas = cv2.resize(backdrop(scene, size), (large, large), interpolation=cv2.INTER_LINEAR)
    pen = Pen(canvas, pose)
    shadow = Pen(np.full((size, size, 3), int(255 * FLESH), np.uint8), pose)
    chin_y = subject.length + .13 * act(26) - .03 * act(17)
    draw_back_hair(pen, subject)
    _draw_body(pen, subject)
    _draw_head(pen, shadow, subject, chin_y)
    _draw_relief(shadow, subject, act)
    mouth_y = subject.mouth_height - .025 * act(9) - .02 * act(10) - .03 * act(17)
    draw_beard(pen, subject, mouth_y, chin_y)
    _draw_lines(pen, subject, act, mouth_y)
    _draw_nose(pen, subject, act)
    draw_mouth(pen, subject, act, mouth_y)
    for side in (-1, 1):
        draw_eye(pen, subject, act, side)
    draw_front_hair(pen, subject)
    for side in (-1, 1):
        draw_brow(pen, subject, act, side)
    if subject.glasses:
        draw_glasses(pen, subject, EYE_Y)
    picture = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    relief = cv2.GaussianBlur(shadow.picture, (0, 0), .022 * size)
    picture = cv2.multiply(picture, relief, scale=1 / (255 * FLESH))
    return cv2.multiply(picture, light_map(scene, size), dtype=cv2.CV_8U)


def _draw_body(pen, subject):
    """Ears, neck and shoulders."""
    skin = shade(subject.skin, .84)
    pen.fill(curve([(-.34, .6), (.34, .6), (.36, 1.3), (.5, 1.6), (-.5, 1.6), (-.36, 1.3)],
                   closed=True), skin, turn=.1)
    pen.fill(curve([(-.4, 1.3), (0, 1.48), (.4, 1.3), (1.2, 1.5), (1.6, 2.2), (-1.6, 2.2),
                    (-1.2, 1.5)], closed=True), subject.clothes, turn=.05)
    if subject.style not in ('long', 'bob'):
        for side in (-1, 1):
            pen.fill(curve(mirror([(.7, -.18), (.84, -.2), (.84, .06), (.74, .26), (.68, .2)],
                                  side), closed=True), skin, turn=.1)


def _draw_head(pen, shadow, subject, chin_y):
    s = subject
    half = [(0, -1.06), (.42, -.96), (.7, -.6), (s.cheek, -.1), (s.cheek - .03, .22),
            (s.jaw, .56), (s.chin + .06, chin_y - .09), (0, chin_y)]
    right = np.array(half)
    outline = curve(np.concatenate([right, mirror(right[1:-1], -1)[::-1]]), closed=True)
    pen.fill(outline, s.skin, turn=OUTLINE_TURN)
    # The face's rim lies in half shadow, its middle in the light: that makes it round.
    grey = 255 * FLESH
    for share, level in ((1., .84), (.9, .95), (.76, 1.04), (.5, 1.07)):
        shadow.fill(outline * (share, share) + (0, .03 * (1 - share)), (grey * level,) * 3,
                    turn=OUTLINE_TURN + .6 * (1 - share))


def _draw_relief(shadow, subject, act):
    """Soft shadows of what bulges and folds, drawn into the shadow map."""
    def grey(level):
        return (255 * FLESH * level,) * 3

    s = subject
    for side in (-1, 1):
        x = side * s.eye_distance
        shadow.fill(curve([(x - .2, EYE_Y - .03), (x, EYE_Y - .17), (x + .2, EYE_Y - .03),
                           (x, EYE_Y + .07)], closed=True), grey(.93))
        cheek = act(6, side) + .5 * act(12, side)       # AU6 pushes the cheek up and out
        shadow.dot((side * .4, .2 - .05 * cheek), .15, mix(grey(1.07), grey(1.2), min(1, cheek)))
        fold = max(act(10, side), .8 * act(12, side), .8 * act(9, side))
        fold = min(1, .12 + .25 * s.age + fold)
        shadow.line(curve(mirror([(.15, .24), (.28, .36), (.36 + .03 * fold, .54)], side)),
                    grey(1 - .26 * fold), .05)
        shadow.line(mirror([(.1, -.02), (.13, .2)], side), grey(.9), .05)
    shadow.fill(curve([(-.16, .72), (0, .7), (.16, .72), (0, .78)], closed=True), grey(.84))
    shadow.dot((0, .86), .1 + .03 * act(17), grey(1.08 + .06 * act(17)))
    shadow.line([(0, -.2), (0, .2)], grey(1.16), .07, lift=.1)
    shadow.line([(-.12, .31), (.12, .31)], grey(.84), .05, lift=.1)
    frown = act(4)
    if frown > .1:
        shadow.dot((0, -.33), .07, grey(1 - .16 * frown))


def _draw_lines(pen, subject, act, mouth_y):
    """Wrinkles: fine lines that come with a unit, or stay with age."""
    s = subject

    def crease(points, amount, width=.022, side=1):
        if amount > .08:
            pen.line(curve(mirror(points, side)), mix(s.skin, shade(s.skin, .5), min(.85, amount)),
                     width)

    for side in (-1, 1):
        crease([(.155, .22), (.27, .33), (.35, .52)], .55 * max(
            act(10, side), .8 * act(12, side), .8 * act(9, side)) + .25 * s.age, side=side)
        for tilt in (-.06, 0, .06):         # crow's feet
            crease([(.5, EYE_Y + .02 + tilt * .4), (.58, EYE_Y + .03 + tilt * 1.6)],
                   .6 * act(6, side) + .25 * s.age - .1, .014, side)
        crease([(.17, .02), (.3, .07 - .02 * act(6, side)), (.46, .0)],
               .5 * act(6, side) + .3 * act(7, side) + .3 * s.age - .05, .016, side)
        crease([(.05, -.36), (.045, -.27), (.055, -.2)], .9 * act(4, side) + .2 * s.age - .1,
               .02, side)
        for k in range(3):                  # AU9 wrinkles the root of the nose
            crease([(.02, -.14 + .07 * k), (.085, -.11 + .07 * k), (.13, -.05 + .07 * k)],
                   .9 * act(9, side), .018, side)
        dimple = act(14, side)
        crease([(s.mouth_width + .05, mouth_y - .09), (s.mouth_width + .085, mouth_y),
                (s.mouth_width + .05, mouth_y + .08)], dimple, .024, side)
        pull = act(15, side)
        crease([(s.mouth_width + .01, mouth_y + .09), (s.mouth_width + .05, mouth_y + .17)],
               .7 * pull + .2 * s.age - .1, .02, side)
    inner, outer = act(1), act(2)
    for k, y in enumerate((-.5, -.58, -.66)):
        crease([(-.4, y + .02), (-.2, y - .02 * outer), (0, y - .01 - .05 * (inner - outer)),
                (.2, y - .02 * outer), (.4, y + .02)],
               .375 * (inner + outer) + .3 * s.age - .12 - .06 * k, .016)
    crease([(-.12, .79), (0, .755), (.12, .79)], .8 * act(17), .022)
    for x in (-.06, .05):
        crease([(x, .84), (x + .01, .9)], .6 * act(17) - .1, .018)


def _draw_nose(pen, subject, act):
    s = subject
    dark = shade(s.skin, .62)
    for side in (-1, 1):
        up = .035 * act(9, side) + .015 * act(10, side)
        wide = s.nose_width + .02 * act(9, side) + .012 * act(12, side)
        tip = s.nose_length - up
        pen.line(curve(mirror([(wide - .02, tip - .12), (wide + .015, tip - .04),
                               (wide - .03, tip + .01), (.05, tip + .005)], side)), dark, .02,
                 lift=.06)
        pen.fill(curve(mirror([(.035, tip), (.07, tip - .025), (.1, tip - .005), (.07, tip + .01)],
                              side), closed=True), shade(s.skin, .42), lift=.08)
