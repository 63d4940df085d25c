"""What grows on a head or is worn on it: hair, beard and glasses."""
import numpy as np

from .pen import curve, mirror, mix, shade

OUTLINE_TURN = .22      # an outline turns little: behind it other parts of the head come up


def draw_back_hair(pen, subject):
    """Draw the hair that shows around the face. It is drawn before the head.

    Args:
        pen (Pen): draws into the picture.
        subject (Subject): whose hair it is.
    """
    s, dark = subject, shade(subject.hair, .8)
    if s.style in ('long', 'bob'):
        end = 1.5 if s.style == 'long' else .75
        half = [(0, -1.2), (.55, -1.08), (.86, -.6), (.92, 0), (.9, .5), (.86, end), (.5, end)]
        pen.fill(_both(half), dark, turn=OUTLINE_TURN)
    if s.style == 'curly':
        for angle in np.linspace(-2.7, -.44, 13):
            pen.dot((.74 * np.cos(angle), -.25 + .86 * np.sin(angle)), .26, dark, turn=.3)
        for side in (-1, 1):
            pen.dot((side * .76, -.25), .2, dark, turn=.3)
    if s.style == 'bun':
        pen.dot((0, -1.26), .26, dark, turn=.1)


def draw_front_hair(pen, subject):
    """Draw the hair over the forehead. It is drawn after the head.

    Args:
        pen (Pen): draws into the picture.
        subject (Subject): whose hair it is.
    """
    s = subject
    if s.style == 'bald':
        return
    top = [(.82, -.3), (.82, -.66), (.56, -1.04), (0, -1.2), (-.56, -1.04), (-.82, -.66),
           (-.82, -.3)]
    brow = dict(short=[(-.7, -.44), (-.58, -.66), (-.2, -.76), (.2, -.76), (.58, -.66), (.7, -.44)],
                parted=[(-.73, -.3), (-.62, -.56), (-.36, -.84), (.1, -.72), (.58, -.58),
                        (.73, -.3)],
                fringe=[(-.73, -.2), (-.62, -.44), (-.3, -.46), (.1, -.44), (.6, -.46),
                        (.73, -.2)],
                curly=[(-.72, -.36), (-.5, -.62), (-.2, -.7), (.2, -.7), (.5, -.62), (.72, -.36)])
    brow = brow.get(s.style, [(-.76, -.1), (-.64, -.5), (-.3, -.74), (0, -.84), (.3, -.74),
                              (.64, -.5), (.76, -.1)])
    # The outline stays while the hairline turns with the face.
    outer = pen.project(curve(top), turn=OUTLINE_TURN)
    inner = pen.project(curve(brow), turn=.9)
    pen.polygon(np.concatenate([outer, inner]), s.hair)
    gloss = shade(s.hair, 1.12)
    for x in (-.34, -.14, .1, .32):
        pen.line(curve([(x * .9, -1.08), (x * 1.1, -1.0), (x * 1.25, -.92)]), gloss, .02, turn=.5)


def draw_beard(pen, subject, mouth_y, chin_y):
    """Draw the beard. It is drawn before the mouth, which lies on top of it.

    Args:
        pen (Pen): draws into the picture.
        subject (Subject): whose beard it is.
        mouth_y (float): height of the mouth in face units.
        chin_y (float): height of the chin in face units.
    """
    s = subject
    colour = shade(s.hair, .95) if s.beard != 'stubble' else mix(s.skin, s.hair, .22)
    if s.beard in ('stubble', 'full'):
        half = [(0, mouth_y - .14), (.3, mouth_y - .13), (s.jaw - .04, mouth_y - .3),
                (s.jaw + .02, mouth_y), (s.chin + .12, chin_y - .08), (0, chin_y + .02)]
        pen.fill(_both(half), colour, turn=.5)
    if s.beard == 'moustache':
        pen.fill(_both([(0, mouth_y - .17), (.16, mouth_y - .15), (.3, mouth_y - .02),
                        (.12, mouth_y - .07), (0, mouth_y - .07)]), colour)


def draw_glasses(pen, subject, eye_y):
    """Draw the frames around the eyes.

    Args:
        pen (Pen): draws into the picture.
        subject (Subject): whose glasses they are.
        eye_y (float): height of the eyes in face units.
    """
    s = subject
    radius = .19 if s.glasses == 'round' else .2
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    x, y = np.cos(angle), np.sin(angle)
    if s.glasses == 'square':
        x, y = (np.sign(v) * np.abs(v) ** .45 for v in (x, y))
    frame = (38, 34, 36)
    for side in (-1, 1):
        ring = np.stack([side * s.eye_distance + 1.08 * radius * x, eye_y + .86 * radius * y], 1)
        pen.line(ring, frame, .026, lift=.1, closed=True)
        pen.line(mirror([(s.eye_distance + radius, eye_y - .03), (.8, eye_y - .06)], side), frame,
                 .026, lift=.04)
    bridge = s.eye_distance - radius
    pen.line(curve([(-bridge, eye_y - .02), (0, eye_y - .06), (bridge, eye_y - .02)]), frame, .026,
             lift=.14)


def _both(half):
    """A closed smooth outline from its right half, given from top to bottom."""
    right = np.asarray(half, float)
    return curve(np.concatenate([right, mirror(right, -1)[::-1]]), closed=True)



