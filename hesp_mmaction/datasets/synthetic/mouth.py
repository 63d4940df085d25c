"""The mouth of a drawn face."""
import numpy as np

from .pen import curve, shade


def draw_mouth(pen, subject, act, y):
    """Lips, teeth and the dark between them; all units of the lower face meet here.

    Args:
        pen (Pen): what draws, see ``Pen``.
        subject (Subject): who is drawn, see ``Subject``.
        act (Callable): intensity of a FACS unit, 0 to 1; with a side, that of this half.
        y (float): height of the mouth, in units of the head.
    """
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
