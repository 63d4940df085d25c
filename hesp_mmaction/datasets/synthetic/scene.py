"""Where and how a face is filmed: head pose, light, background and the camera's faults."""
from dataclasses import dataclass, fields
from functools import lru_cache

import cv2
import numpy as np

BACKGROUNDS = dict(grey=(128, 128, 128), blue=(84, 108, 140), green=(92, 116, 92),
                   red=(140, 82, 74), white=(206, 204, 200), dark=(38, 38, 46),
                   brown=(122, 92, 66))
LIGHTS = dict(neutral=(1, 1, 1), warm=(1.04, .98, .86), cold=(.9, .97, 1.04))


@dataclass(frozen=True)
class Pose:
    """Where a head points (radians), where it is (shares of the picture) and where it looks."""
    yaw: float = 0.      # positive: towards the right of the picture
    pitch: float = 0.    # positive: down
    roll: float = 0.     # positive: clockwise
    x: float = 0.
    y: float = 0.
    scale: float = 1.
    gaze_x: float = 0.
    gaze_y: float = 0.


@dataclass(frozen=True)
class Scene:
    """Light, background and camera of one clip."""
    background: str = 'grey'
    pattern: int = 0        # seed of what stands in the background
    light: str = 'neutral'
    side: float = 0.        # light from the left (-1) to the right (1)
    contrast: float = .2    # how much darker the far side is
    brightness: float = 1.
    blur: float = 0.        # standard deviation in pixels of a 112-pixel picture
    noise: float = 0.       # standard deviation in grey levels


def sample_scene(rng):
    """Draw a place, its light and a camera.

    Args:
        rng (np.random.Generator): source of the draws.

    Returns:
        Scene: the place.
    """
    return Scene(
        background=str(rng.choice(list(BACKGROUNDS))), pattern=int(rng.integers(2 ** 31)),
        light=str(rng.choice(list(LIGHTS), p=(.5, .3, .2))), side=rng.uniform(-1, 1),
        contrast=rng.uniform(.05, .42), brightness=rng.uniform(.72, 1.05),
        blur=max(0., rng.normal(.15, .4)), noise=rng.uniform(1, 6))


def sample_poses(frames, rng):
    """Draw poses of a head that drifts from one random pose to another.

    Args:
        frames (int): number of frames.
        rng (np.random.Generator): source of the draws.

    Returns:
        list[Pose]: one for each frame.
    """
    spread = dict(yaw=.26, pitch=.12, roll=.09, x=.03, y=.025, scale=.05, gaze_x=.3, gaze_y=.2)
    start = {k: rng.normal(0, s) for k, s in spread.items()}
    drift = {k: rng.normal(0, .45 * s) for k, s in spread.items()}
    start['scale'] += 1
    if rng.random() < .6:       # most people look into the camera, whatever the head does
        start['gaze_x'], start['gaze_y'] = -1.2 * start['yaw'], -start['pitch']
    limit = dict(yaw=.55, pitch=.3, roll=.3, gaze_x=.8, gaze_y=.6)
    time = .5 - .5 * np.cos(np.pi * np.linspace(0, 1, frames))
    poses = []
    for t in time:
        value = {f.name: float(start[f.name] + t * drift[f.name]) for f in fields(Pose)}
        value.update({k: float(np.clip(value[k], -m, m)) for k, m in limit.items()})
        poses.append(Pose(**value))
    return poses


@lru_cache(maxsize=8)
def backdrop(scene, size):
    """Draw the background of the picture, out of focus.

    Args:
        scene (Scene): the place.
        size (int): side of the picture in pixels.

    Returns:
        np.ndarray: RGB (size, size, 3), uint8.
    """
    rng = np.random.default_rng((23, scene.pattern))
    colour = np.array(BACKGROUNDS[scene.background])
    picture = np.full((32, 32, 3), colour, np.uint8)
    for _ in range(rng.integers(2, 7)):
        corner, extent = rng.integers(-6, 30, 2), rng.integers(4, 22, 2)
        tint = tuple(float(c) for c in (colour * rng.uniform(.6, 1.35)).clip(0, 255))
        cv2.rectangle(picture, corner.tolist(), (corner + extent).tolist(), tint, -1)
    picture = cv2.GaussianBlur(picture, (0, 0), 32 / rng.uniform(18, 60))
    return cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC)


@lru_cache(maxsize=8)
def light_map(scene, size):
    """Compute how bright and of what colour the light is at every pixel.

    Args:
        scene (Scene): the place.
        size (int): side of the picture in pixels.

    Returns:
        np.ndarray: factors (size, size, 3) of red, green and blue, float32.
    """
    line = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = line[None], line[:, None]
    amount = scene.brightness * (1 + scene.contrast * (x * scene.side - .5 * y).clip(-1.2, .3))
    return amount[..., None] * np.array(LIGHTS[scene.light], np.float32)


def film(picture, scene, rng):
    """Blur a picture and add noise, as the camera of a scene does.

    Args:
        picture (np.ndarray): RGB (size, size, 3), uint8.
        scene (Scene): its camera.
        rng (np.random.Generator): source of the noise.

    Returns:
        np.ndarray: RGB, uint8, of the same shape.
    """
    if scene.blur > .2:
        picture = cv2.GaussianBlur(picture, (0, 0), scene.blur * picture.shape[0] / 112)
    # The same noise in all channels: like a real sensor's grey noise, and fast.
    noise = rng.standard_normal(picture.shape[:2], np.float32) * np.float32(scene.noise)
    return cv2.add(picture, cv2.cvtColor(noise, cv2.COLOR_GRAY2RGB), dtype=cv2.CV_8U)
