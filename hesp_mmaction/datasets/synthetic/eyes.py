"""The eyes and eyebrows of a drawn face."""
import numpy as np

from .pen import curve, mirror, mix, shade

EYE_Y = -.12


def draw_eye(pen, subject, act, side):
    """Draw one eye: iris, lids and lashes.

    Args:
        pen (Pen): what draws, see ``Pen``.
        subject (Subject): who is drawn, see ``Subject``.
        act (Callable): intensity of a FACS unit, 0 to 1; with a side, that of this half.
        side (int): -1 for the left half of the picture, 1 for the right.
    """
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


def draw_brow(pen, subject, act, side):
    """Draw one eyebrow.

    Args:
        pen (Pen): see ``draw_eye``.
        subject (Subject): see ``draw_eye``.
        act (Callable): see ``draw_eye``.
        side (int): see ``draw_eye``.
    """
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
