"""Opens video files and decodes them with FFmpeg, through PyAV."""
import av
import numpy as np

VIDEO_EXTENSIONS = ('.avi', '.mp4', '.mkv', '.mov', '.m4v', '.webm', '.gif', '.mpg', '.mpeg',
                    '.wmv', '.flv', '.3gp', '.ts', '.mts')
# By default PyAV 17 and newer start a thread on every core to convert a frame. They take longer
# than they save, and newer ones keep them for the next frame, which then hangs in a fork.
ONE_THREAD = {} if int(av.__version__.split('.')[0]) < 17 else dict(threads=1)


class BrokenClip(RuntimeError):
    """A clip, or a frame of it, cannot be read; the message says why."""


def open_video(path):
    """Open a video file.

    Args:
        path (str): the file.

    Returns:
        tuple: av.container.InputContainer, which the caller closes, and its first
        av.video.stream.VideoStream that is no cover picture. It is decoded in one thread.

    Raises:
        BrokenClip: the file cannot be opened, or has no video, or one that cannot be decoded.
    """
    try:
        container = av.open(path)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BrokenClip('cannot be opened') from error
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    context = getattr(streams[0], 'codec_context', None) if streams else None
    if context is None:
        container.close()
        raise BrokenClip('a kind of video that this FFmpeg cannot decode' if streams else
                         'no video stream')
    context.thread_count = 1
    return container, streams[0]


def read_packets(container, stream):
    """The packets of a stream, the empty one at the end included.

    Args:
        container (av.container.InputContainer): the open file.
        stream (av.video.stream.VideoStream): its stream.

    Yields:
        av.Packet: in the order of the file.

    Raises:
        BrokenClip: the file cannot be read to its end.
    """
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BrokenClip('cannot be read to its end') from error


def decode_packets(packets):
    """Decode packets to frames, in the order in which they are shown.

    Packets before the first key frame are skipped.

    Args:
        packets (Iterable[av.Packet]): packets of one stream.

    Yields:
        av.VideoFrame: a decoded frame.

    Raises:
        BrokenClip: a packet cannot be decoded.
    """
    count = 0
    for packet in packets:
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError) as error:
            if isinstance(error, EOFError):  # the decoder was emptied before
                return
            if not count and packet.size and not packet.is_keyframe:
                continue  # a stream that was cut begins at its first key frame, as in a player
            raise BrokenClip(f'cannot be decoded after frame {count}') from error
        for frame in frames:
            count += 1
            yield frame


def upright(frame, size):
    """A decoded frame as (H, W, 3) uint8 RGB, turned as its display matrix says.

    Args:
        frame (av.VideoFrame): the decoded frame.
        size (tuple[int, int]): height and width of the video as stored. A frame of another size
            (a recorded video call changes it) is scaled to that.

    Returns:
        np.ndarray: (H, W, 3) uint8 RGB.
    """
    height, width = size
    turns = round(frame.rotation / 90) % 4  # counterclockwise, as np.rot90 turns
    if (frame.height, frame.width) != (height, width) and height and width:
        frame = frame.reformat(width, height, **ONE_THREAD)
    pixels = frame.to_ndarray(format='rgb24', **ONE_THREAD)
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels
