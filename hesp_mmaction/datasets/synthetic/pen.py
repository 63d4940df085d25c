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
        """Pixels (n, 2) of face points (n, 2); ``turn`` < 1 for what hardly turns, as outlines."""
        points = np.asarray(points, float)
        x, y = points[:, 0], points[:, 1]
        yaw, pitch = self.pose.yaw * turn, self.pose.pitch * turn
        z = DEPTH * np.sqrt(np.maximum(1 - (x / WIDTH) ** 2 - (y / HEIGHT) ** 2, 0)) + lift
        turned = np.empty_like(points)
        turned[:, 0] = x * cos(yaw) + z * sin(yaw)
        turned[:, 1] = y * cos(pitch) + (z * cos(yaw) - x * sin(yaw)) * sin(pitch)
        return turned @ self.matrix + self.centre

    def fill(self, points, colour, lift=0., turn=1.):
        """A filled polygon."""
        self.polygon(self.project(points, lift, turn), colour)

    def polygon(self, pixels, colour):
        """A filled polygon given in pixels (n, 2)."""
        fixed = np.rint(pixels * 2 ** SHIFT).astype(np.int32)
        cv2.fillPoly(self.picture, [fixed], colour, cv2.LINE_AA, SHIFT)

    def line(self, points, colour, width, lift=0., turn=1., closed=False):
        """A line of ``width`` face units."""
        fixed = np.rint(self.project(points, lift, turn) * 2 ** SHIFT).astype(np.int32)
        cv2.polylines(self.picture, [fixed], closed, colour, max(1, round(width * self.unit)),
                      cv2.LINE_AA, SHIFT)

    def dot(self, point, radius, colour, lift=0., turn=1.):
        """A filled circle of ``radius`` face units."""
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
    """A smooth curve through the points: float (many, 2)."""
    return _spline(len(points), closed, n) @ np.asarray(points, float)


def mirror(points, side):
    """Points given for the right half of the picture, for half ``side`` (-1 left, 1 right)."""
    return np.asarray(points, float) * (side, 1)


def shade(colour, factor):
    """The colour made darker (< 1) or lighter (> 1): tuple of 3 ints."""
    return tuple(int(min(255, max(0, c * factor))) for c in colour)


def mix(colour, other, share):
    """``share`` of ``other`` in ``colour``: tuple of 3 ints."""
    return tuple(int((1 - share) * a + share * b) for a, b in zip(colour, other, strict=True))
