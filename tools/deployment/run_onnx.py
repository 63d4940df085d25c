"""Emotion or "unknown" of video files, from an exported model alone; no PyTorch, no MMAction2.

    pip install numpy opencv-python av "onnxruntime>=1.18.1"
    python run_onnx.py MODEL.onnx VIDEO [VIDEO ...]

One file to copy: it needs nothing of the package it comes with.
"""
import argparse
import json
import re
import sys
import time

import av
import cv2
import numpy as np
import onnxruntime

OLDEST = '1.18.1'  # the first ONNX Runtime that reads the files: IR version 10, operators of set 20


def check_runtime(version=onnxruntime.__version__):
    """Stops where ONNX Runtime is too old for the files.

    Raises:
        ValueError: says which version is needed.
    """
    ours, oldest = ([int(number) for number in re.findall(r'\d+', text)[:3]]
                    for text in (version, OLDEST))
    if ours < oldest:
        raise ValueError(f'onnxruntime {version} is too old, these models need {OLDEST} or newer: '
                         f'pip install "onnxruntime>={OLDEST}"')


def middle_frames(num_frames, total):
    """Numbers of the middle frames of ``num_frames`` equal segments of a video."""
    segment = total / num_frames
    return (np.arange(num_frames) * segment + segment / 2).astype(int)


def shown_frames(path):
    """The frames (av.VideoFrame) of a video file that a player shows, in order."""
    cover, begun = av.stream.Disposition.attached_pic, False
    with av.open(path) as container:
        streams = [s for s in container.streams.video if not s.disposition & cover]
        if not streams:
            raise ValueError('no video stream')
        streams[0].codec_context.thread_count = 1
        for packet in container.demux(streams[0]):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                if begun or packet.is_keyframe or not packet.size:
                    raise
                continue  # a stream that was cut begins at its first key frame
            begun = begun or bool(frames)
            yield from frames


def read_clip(path, num_frames, image_size):
    """A video file to its sampled frames, resized: (1, T, 3, S, S) uint8, RGB, upright.

    The frames are counted first: what a container says of their number is often wrong.
    """
    total = sum(1 for _ in shown_frames(path))
    if total == 0:
        raise ValueError('no frames')
    wanted = middle_frames(num_frames, total)
    found = {}
    for number, frame in enumerate(shown_frames(path)):
        if number in wanted:
            turns = round(frame.rotation / 90) % 4  # a phone held upright
            pixels = np.ascontiguousarray(np.rot90(frame.to_ndarray(format='rgb24'), turns))
            pixels = cv2.resize(pixels, (image_size, image_size))  # bilinear
            found[number] = pixels.transpose(2, 0, 1)
        if number == wanted[-1]:
            break
    return np.stack([found[number] for number in wanted])[None]


class Model:
    """An exported model and what its file says of itself."""

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
        told = self.session.get_modelmeta().custom_metadata_map
        self.about = {key: json.loads(value) for key, value in told.items()}

    def predict(self, frames):
        """Frames (1, T, 3, S, S) uint8 to a dict: label, score and all outputs of the file."""
        names = [output.name for output in self.session.get_outputs()]
        outputs = self.session.run(None, {'frames': frames})
        found = {name: value[0] for name, value in zip(names, outputs, strict=True)}
        threshold = self.about['threshold']
        known = threshold is None or found['score'] >= threshold
        label = self.about['known'][int(found['logits'].argmax())] if known else 'unknown'
        return dict(found, label=label)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('videos', nargs='+')
    args = parser.parse_args()
    try:
        check_runtime()
    except ValueError as error:
        sys.exit(f'error: {error}')
    model = Model(args.model)
    times, wrong = [], 0
    for path in args.videos:
        start = time.perf_counter()
        try:
            frames = read_clip(path, model.about['num_frames'], model.about['image_size'])
        except (OSError, ValueError, av.FFmpegError) as error:
            wrong += 1
            print(f'{path}: cannot be read ({error})')
            continue
        decoded = time.perf_counter()
        found = model.predict(frames)
        times.append((decoded - start, time.perf_counter() - decoded))
        print(f'{path}: {found["label"]}, score {found["score"]:.3f}, '
              f'{1e3 * times[-1][0]:.0f} ms to decode, {1e3 * times[-1][1]:.0f} ms to recognise')
    if times:
        decode, run = 1e3 * np.median(times, axis=0)
        print(f'{len(times)} clips, median {decode:.1f} ms to decode, {run:.1f} ms to recognise')
    if wrong:
        sys.exit(f'error: {wrong} of {len(args.videos)} clips cannot be read')


if __name__ == '__main__':
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, 'reconfigure'):  # names of files in any encoding
            stream.reconfigure(errors='backslashreplace')
    main()
