"""Clips to measure with. This is no benchmark, but what benchmarks share."""
import cv2
import numpy as np


def write_films(folder, count, frames=60, size=(720, 576)):
    """Write clips of AFEW's kind: a drifting random picture with the spectrum of photographs.

    Args:
        folder (Path): where they are written, as .avi.
        count (int): how many.
        frames (int): frames of each. Defaults to 60.
        size (tuple[int, int]): width and height in pixels. Defaults to (720, 576).
    """
    rng = np.random.default_rng(0)
    width, height = size
    rows, columns = np.fft.fftfreq(height + 64)[:, None], np.fft.fftfreq(width + 64)
    fall = np.maximum(np.hypot(rows, columns), 1 / width)[..., None] ** -1.25
    for i in range(count):
        noise = np.fft.fft2(rng.normal(size=(height + 64, width + 64, 3)), axes=(0, 1))
        picture = np.fft.ifft2(noise * fall, axes=(0, 1)).real
        grey = picture.mean(2, keepdims=True)
        picture = grey + 0.3 * (picture - grey)  # colours vary less than brightness
        picture = np.clip(128 + 45 * picture / picture.std(), 0, 255).astype(np.uint8)
        writer = cv2.VideoWriter(str(folder / f'{i:03d}.avi'), cv2.VideoWriter_fourcc(*'XVID'), 25,
                                 size)
        for t in range(frames):
            y, x = (int(32 + 30 * f(t / 9 + i)) for f in (np.sin, np.cos))
            writer.write(picture[y:y + height, x:x + width])
        writer.release()


def write_clips(folder, count, frames=60, size=224):
    """Write smooth moving pictures. Random noise would be harder to decode than any recording.

    Args:
        folder (Path): where they are written, as .avi.
        count (int): how many.
        frames (int): frames of each. Defaults to 60.
        size (int): width and height in pixels. Defaults to 224.
    """
    rng = np.random.default_rng(0)
    for i in range(count):
        path = folder / f'{i:03d}.avi'
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (size, size))
        a, b = rng.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
        a, b = (cv2.resize(x, (size, size), interpolation=cv2.INTER_CUBIC) for x in (a, b))
        for t in range(frames):
            writer.write(cv2.addWeighted(a, 1 - t / frames, b, t / frames, 0))
        writer.release()
