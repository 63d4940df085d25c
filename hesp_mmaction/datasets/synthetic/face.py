"""One frame: a subject's face with given facial actions, pose and scene."""
import cv2
import numpy as np

from .actions import UNITS
from .hair import OUTLINE_TURN, draw_back_hair, draw_beard, draw_front_hair, draw_glasses
from .pen import Pen, curve, mirror, mix, shade
from .scene import backdrop, light_map

SUPERSAMPLE = 2     # drawn this much larger, then averaged: smooth edges at low cost
EYE_Y = -.12
FLESH = .5          # grey level of a shadow map where it changes nothing (times 255)


def draw_face(subject, actions, pose, scene, size):
    """Draw one frame, without the camera's faults (:func:`~.scene.film` adds them).

    Args:
        subject (Subject): who is drawn, see :class:`~.subject.Subject`.
        actions (np.ndarray): intensities (units, 2) of the FACS units, for the left and right half
            of the picture.
        pose (Pose): pose of the head, see :class:`~.scene.Pose`.
        scene (Scene): light, background and camera, see :class:`~.scene.Scene`.
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
    _draw_mouth(pen, subject, act, mouth_y)
    for side in (-1, 1):
        _draw_eye(pen, subject, act, side)
    draw_front_hair(pen, subject)
    for side in (-1, 1):
        _draw_brow(pen, subject, act, side)
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


def _draw_mouth(pen, subject, act, y):
    """Lips, teeth and the dark between them; all units of the lower face meet here."""
    s = subject
    press, tight, part = act(24), act(23), act(25)
    gap = .02 * part + .055 * part * (1 - press) + .27 * act(26) * max(part, .35)
    thin = (1 - .6 * press) * (1 - .35 * tight) * (1 - .15 * act(12))
    corners = []
    for side in (-1, 1):
        x = (s.mouth_width * (1 - .16 * tight - .2 * act(26)) + .085 * act(12, side)
             + .11 * act(20, side) + .035 * act(14, side) - .02 * act(17, side))
        dip = (-.14 * act(12, side) + .135 * act(15, side) + .02 * act(20, side)
               - .02 * act(14, side) + .3 * gap)
        corners.append((side * x, y + dip))
    (left_x, left_y), (right_x, right_y) = corners
    smile = .03 * act(12)
    raised = .065 * act(10) + .02 * act(9)
    arch = .045 * act(17)           # the chin pushes the lower lip's middle up
    upper = y - .35 * gap * .5 + smile - .6 * raised - .5 * arch
    lower = y + gap + smile - arch
    full = s.lip_fullness * thin
    if act(20) > 0:
        lower += .02 * act(20) * part

    def through(middle, bow, squareness=.5):
        """A lip's edge from corner to corner, its middle at height ``middle``."""
        quarter = [(squareness * left_x, (1 - .72) * left_y + .72 * middle - bow),
                   (squareness * right_x, (1 - .72) * right_y + .72 * middle - bow)]
        return curve([corners[0], quarter[0], (.5 * (left_x + right_x) * .2, middle), quarter[1],
                      corners[1]])

    top_in, low_in = through(upper, .3 * raised), through(lower, 0)
    top_out = through(upper - full, .012 + .5 * raised, .34)
    low_out = through(lower + 1.25 * full + .015 * act(10), -.008)
    if gap > .008:
        pen.fill(np.concatenate([top_in, low_in[::-1]]), (58, 22, 26))
        teeth = min(.62 * (lower - upper), .075)
        if teeth > .012 and act(17) < .8:
            edge = top_in + (0, teeth)
            edge[:, 1] = np.minimum(edge[:, 1], low_in[:, 1])
            pen.fill(np.concatenate([top_in, edge[::-1]]), (236, 232, 224))
        if gap > .12:
            pen.fill(curve([(-.12, lower - .02), (0, lower - .07), (.12, lower - .02),
                            (0, lower + .01)], closed=True), (176, 86, 88))
    pen.fill(np.concatenate([top_out, top_in[::-1]]), shade(s.lips, .9), lift=.03)
    pen.fill(np.concatenate([low_in, low_out[::-1]]), s.lips, lift=.03)
    if gap <= .008 or press > .3:
        pen.line(top_in, shade(s.lips, .5), .02, lift=.03)
    for side in (-1, 1):
        corner = corners[(side + 1) // 2]
        pen.dot(corner, .014 + .012 * act(14, side) + .01 * act(12, side), shade(s.skin, .55))


def _draw_eye(pen, subject, act, side):
    s = subject
    cx, w = s.eye_distance, s.eye_size
    tilt = s.eye_tilt + .02 * act(1, side) * .5
    rest = .07 + .12 * (w - .16)
    shut = min(1, act(43, side))
    top = (rest + .06 * act(5, side) - .026 * act(7, side) - .014 * act(6, side)) * (1 - shut) \
        - .03 * shut
    low = (.052 + .008 * act(5, side) - .03 * act(7, side) - .03 * act(6, side)
           - .008 * act(12, side)) * (1 - .4 * shut)
    top = max(top, -low + .004)
    inner, outer = (cx - w, EYE_Y + .02), (cx + w, EYE_Y + .005 - tilt)
    upper = curve(mirror([inner, (cx - .5 * w, EYE_Y - .8 * top), (cx, EYE_Y - 1.1 * top),
                          (cx + .55 * w, EYE_Y - .85 * top), outer], side))
    under = curve(mirror([inner, (cx - .4 * w, EYE_Y + .85 * low), (cx + .1 * w, EYE_Y + low),
                          (cx + .6 * w, EYE_Y + .75 * low), outer], side))
    lid = mix(s.skin, shade(s.skin, .72), .45)
    pen.fill(np.concatenate([upper, under[::-1]]), (238, 236, 232))
    gaze = (side * cx + .075 * pen.pose.gaze_x, EYE_Y - .008 + .04 * pen.pose.gaze_y)
    pen.dot(gaze, .078, shade(s.iris, .6))
    pen.dot(gaze, .066, s.iris)
    pen.dot(gaze, .032, (16, 14, 16))
    pen.dot((gaze[0] + .025, gaze[1] - .025), .014, (250, 250, 250))
    # The lids are drawn over the iris, which saves clipping it.
    brim = mirror([(cx - w, EYE_Y - .06), (cx, EYE_Y - .145 - .02 * act(5, side)),
                   (cx + w, EYE_Y - .07)], side)
    pen.fill(np.concatenate([upper, curve(brim)[::-1]]), lid)
    bag = mirror([(cx - w, EYE_Y + .04), (cx, EYE_Y + .125), (cx + w, EYE_Y + .04)], side)
    pen.fill(np.concatenate([under, curve(bag)[::-1]]), mix(s.skin, lid, .4))
    crease = mirror([(cx - .85 * w, EYE_Y - .04), (cx, EYE_Y - 1.1 * max(top, .02) - .045),
                     (cx + .95 * w, EYE_Y - .045)], side)
    pen.line(curve(crease), shade(s.skin, .66), .016)
    pen.line(upper, (40, 28, 26), .03)
    pen.line(under, shade(s.skin, .55), .012)


def _draw_brow(pen, subject, act, side):
    s = subject
    y = EYE_Y - s.brow_height
    inner_up = .12 * act(1, side) - .09 * act(4, side) - .045 * act(9, side)
    outer_up = .12 * act(2, side) - .03 * act(4, side) - .01 * act(6, side)
    middle_up = .35 * inner_up + .75 * outer_up
    x0 = s.eye_distance - .19 - .045 * act(4, side)
    bones = curve([(x0, y + .035 - inner_up), (x0 + .12, y - .005 - .6 * inner_up - .4 * outer_up),
                   (s.eye_distance + .08, y - .03 - middle_up - s.brow_tilt),
                   (s.eye_distance + .25, y + .04 - outer_up - s.brow_tilt)])
    thick = s.brow_thickness * np.interp(np.linspace(0, 1, len(bones)), [0, .15, .6, 1],
                                         [.6, 1, .9, .2])[:, None]
    shape = np.concatenate([bones - (0, 1) * thick, (bones + (0, 1) * thick)[::-1]])
    colour = mix(s.hair, s.skin, .12) if sum(s.hair) < 420 else mix(shade(s.hair, .62), s.skin, .2)
    pen.fill(mirror(shape, side), colour)
