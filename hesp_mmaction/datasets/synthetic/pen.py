"""A pen that draws on a turned head: points of the face go in, anti-aliased shapes come out.

Face coordinates: x to the right, y down, 0 between the eyes' height and the nose, half a face's
height = 1. A point lies on an ellipsoid (plus ``lift``), so features near the outline move less
than the nose when the head turns, which is the parallax that makes it look like a head.
"""
from functools import lru_cache
from math import cos, sin

import cv2
import numpy as np

ZOOM = .82          # half the picture shows 1 / ZOOM face units at scale 1
SHIFT = 4           # binary digits after the point of OpenCV's coordinates
WIDTH, HEIGHT, DEPTH = .92, 1.35, .62     # the ellipsoid's half axes


class Pen:
    """Draws polygons and lines given in face coordinates into one RGB picture.

    Args:
        picture (np.ndarray): (size, size, 3) uint8; it is changed.
        pose (Pose): pose of the head, see ``Pose``.
    """

    def __init__(self, picture, pose):
        self.picture, self.pose = picture, pose
        self.unit = ZOOM * pose.scale * picture.shape[0] / 2    # pixels of one face unit
        self.matrix = self.unit * np.array([[cos(pose.roll), sin(pose.roll)],
                                            [-sin(pose.roll), cos(pose.roll)]])
        self.centre = (.5 + np.array([pose.x, pose.y])) * picture.shape[0]

    def project(self, points, lift=0., turn=1.):
        """Compute the pixels of points of the face.

        Args:
            points (array_like): (n, 2) in face units.
            lift (float): height above the ellipsoid in face units. Defaults to 0.
            turn (float): share of the head's turn that the points follow; less than 1 for what
                hardly turns, such as outlines. Defaults to 1.

        Returns:
            np.ndarray: (n, 2) in pixels, float.
        """
        points = np.asarray(points, float)
        x, y = points[:, 0], points[:, 1]
        yaw, pitch = self.pose.yaw * turn, self.pose.pitch * turn
        z = DEPTH * np.sqrt(np.maximum(1 - (x / WIDTH) ** 2 - (y / HEIGHT) ** 2, 0)) + lift
        turned = np.empty_like(points)
        turned[:, 0] = x * cos(yaw) + z * sin(yaw)
        turned[:, 1] = y * cos(pitch) + (z * cos(yaw) - x * sin(yaw)) * sin(pitch)
        return turned @ self.matrix + self.centre

    def fill(self, points, colour, lift=0., turn=1.):
        """Draw a filled polygon.

        Args:
            points (array_like): corners (n, 2) in face units.
            colour (tuple[int]): RGB.
            lift (float): see ``project``.
            turn (float): see ``project``.
        """
        self.polygon(self.project(points, lift, turn), colour)

    def polygon(self, pixels, colour):
        """Draw a filled polygon given in pixels.

        Args:
            pixels (np.ndarray): corners (n, 2) in pixels.
            colour (tuple[int]): RGB.
        """
        fixed = np.rint(pixels * 2 ** SHIFT).astype(np.int32)
        cv2.fillPoly(self.picture, [fixed], colour, cv2.LINE_AA, SHIFT)

    def line(self, points, colour, width, lift=0., turn=1., closed=False):
        """Draw a line.

        Args:
            points (array_like): (n, 2) in face units.
            colour (tuple[int]): RGB.
            width (float): in face units; at least one pixel is drawn.
            lift (float): see ``project``.
            turn (float): see ``project``.
            closed (bool): whether the last point is joined to the first. Defaults to False.
        """
        fixed = np.rint(self.project(points, lift, turn) * 2 ** SHIFT).astype(np.int32)
        cv2.polylines(self.picture, [fixed], closed, colour, max(1, round(width * self.unit)),
                      cv2.LINE_AA, SHIFT)

    def dot(self, point, radius, colour, lift=0., turn=1.):
        """Draw a filled circle.

        Args:
            point (array_like): its centre (2,) in face units.
            radius (float): in face units.
            colour (tuple[int]): RGB.
            lift (float): see ``project``.
            turn (float): see ``project``.
        """
        x, y = np.rint(self.project([point], lift, turn)[0] * 2 ** SHIFT).astype(int).tolist()
        cv2.circle(self.picture, (x, y), int(radius * self.unit * 2 ** SHIFT), colour, -1,
                   cv2.LINE_AA, SHIFT)


@lru_cache
def _spline(points, closed, n):
    """Matrix (samples, points) of a Catmull-Rom spline with ``n`` samples per piece."""
    t = np.linspace(0, 1, n, endpoint=False)
    weights = .5 * np.stack([-t + 2 * t ** 2 - t ** 3, 2 - 5 * t ** 2 + 3 * t ** 3,
                             t + 4 * t ** 2 - 3 * t ** 3, -t ** 2 + t ** 3], 1)
    pieces = points if closed else points - 1
    matrix = np.zeros((pieces * n + (not closed), points))
    for piece in range(pieces):
        for k in range(4):
            at = (piece + k - 1) % points if closed else min(max(piece + k - 1, 0), points - 1)
            matrix[piece * n:(piece + 1) * n, at] += weights[:, k]
    if not closed:
        matrix[-1, -1] = 1
    return matrix


def curve(points, closed=False, n=6):
    """Compute a smooth curve through points.

    Args:
        points (array_like): (m, 2), in any unit.
        closed (bool): whether the curve returns to the first point. Defaults to False.
        n (int): points of the result for each stretch between two points. Defaults to 6.

    Returns:
        np.ndarray: (many, 2), float.
    """
    return _spline(len(points), closed, n) @ np.asarray(points, float)


def mirror(points, side):
    """Move points of the right half of the picture to one of the halves.

    Args:
        points (array_like): (n, 2), given for the right half.
        side (int): -1 for the left half, 1 for the right.

    Returns:
        np.ndarray: (n, 2), float.
    """
    return np.asarray(points, float) * (side, 1)


def shade(colour, factor):
    """Make a colour darker or lighter.

    Args:
        colour (tuple[int]): RGB.
        factor (float): below 1 darker, above 1 lighter.

    Returns:
        tuple[int]: RGB, 0 to 255.
    """
    return tuple(int(min(255, max(0, c * factor))) for c in colour)


def mix(colour, other, share):
    """Mix two colours.

    Args:
        colour (tuple[int]): RGB.
        other (tuple[int]): RGB.
        share (float): share of ``other``, from 0 to 1.

    Returns:
        tuple[int]: RGB.
    """
    return tuple(int((1 - share) * a + share * b) for a, b in zip(colour, other, strict=True))
