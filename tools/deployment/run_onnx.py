"""Emotion or "unknown" of video files, by an exported model, without PyTorch and MMAction2.

    pip install numpy opencv-python av "onnxruntime>=1.18.1"
    python run_onnx.py MODEL.onnx VIDEO [VIDEO ...]

Copy this one file to where it is needed: it does not import the package.
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
    """Stop if ONNX Runtime is too old for the files.

    Args:
        version (str): its version. Defaults to the installed one.

    Raises:
        ValueError: it is too old. The message says which version is needed.
    """
    ours, oldest = ([int(number) for number in re.findall(r'\d+', text)[:3]]
                    for text in (version, OLDEST))
    if ours < oldest:
        raise ValueError(f'onnxruntime {version} is too old, these models need {OLDEST} or newer: '
                         f'pip install "onnxruntime>={OLDEST}"')


def middle_frames(num_frames, total):
    """Choose the middle frame of each of several equal segments of a video.

    Args:
        num_frames (int): T, the number of segments.
        total (int): the number of frames of the video.

    Returns:
        np.ndarray: (T,) int, the numbers of the frames.
    """
    segment = total / num_frames
    return (np.arange(num_frames) * segment + segment / 2).astype(int)


def shown_frames(path):
    """Decode the frames of a video file that a player shows, in order.

    Args:
        path (str): the file.

    Yields:
        av.VideoFrame: a frame.

    Raises:
        ValueError: the file has no video stream.
    """
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
    """Read the sampled frames of a video file, resized and upright.

    The frames are decoded to count them, because the number in the file is often wrong.

    Args:
        path (str): the file.
        num_frames (int): T.
        image_size (int): S, pixels.

    Returns:
        np.ndarray: (1, T, 3, S, S) uint8 RGB.

    Raises:
        ValueError: the file has no frames.
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
    """An exported model with the metadata of its file.

    Args:
        path (str): the ONNX file.
    """

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
        told = self.session.get_modelmeta().custom_metadata_map
        self.about = {key: json.loads(value) for key, value in told.items()}

    def predict(self, frames):
        """Predict on one clip.

        Args:
            frames (np.ndarray): (1, T, 3, S, S) uint8 RGB.

        Returns:
            dict: ``label``, a known emotion or ``'unknown'``, and all outputs of the file.
        """
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
