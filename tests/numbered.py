"""Small videos of every kind that people have, whose frames carry their number as bright bars."""
import struct
from fractions import Fraction

import av
import numpy as np

BITS = 8


def picture(number, height=96, width=128):
    """(H, W, 3) uint8 RGB: eight bars at the top, one a bit; below something that moves."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([columns * 2 + number * 7, rows * 2 + number * 3, rows + columns + number * 5],
                     -1).astype(np.uint8)
    image[:height // 2] = 40
    side = width // BITS
    for bit in range(BITS):
        image[4:height // 2 - 8, bit * side:(bit + 1) * side] = 220 if number >> bit & 1 else 20
    return image


def number_of(image):
    """The number that a decoded picture shows."""
    height, width = image.shape[:2]
    side = width // BITS
    bars = (image[8:height // 2 - 12, bit * side + 4:(bit + 1) * side - 4].mean()
            for bit in range(BITS))
    return sum(int(level > 120) << bit for bit, level in enumerate(bars))


def write(path, codec, count=40, stamps=None, pix_fmt='yuv420p', sizes=None, **options):
    """A video of ``count`` pictures, at 25 a second or at ``stamps`` (in 1/1000 s)."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=25, options={
            key.replace('_', '-'): value for key, value in options.items()})
        stream.width, stream.height, stream.pix_fmt = 128, 96, pix_fmt
        if stamps is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(picture(number), format='rgb24')
            if pix_fmt != 'yuv420p':
                frame = frame.reformat(format=pix_fmt)
            if stamps is not None:
                frame.pts, frame.time_base = stamps[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


NESTED = (b'moov', b'trak', b'mdia', b'minf', b'stbl', b'edts')


def boxes(content):
    """(name, content) of the boxes of an ISO file (.mp4, .mov)."""
    at = 0
    while at + 8 <= len(content):
        size, name = struct.unpack('>I4s', content[at:at + 8])
        size = size or len(content) - at
        yield name, content[at + 8:at + size]
        at += size


def change(source, path, **edits):
    """Copy an .mp4 whose ``moov`` comes last, with the named boxes changed by functions."""
    def whole(name, content):
        if name in NESTED:
            content = b''.join(whole(*box) for box in boxes(content))
        elif name.decode('latin1') in edits:
            content = edits[name.decode('latin1')](content)
        return struct.pack('>I4s', len(content) + 8, name) + content
    path.write_bytes(b''.join(whole(*box) for box in boxes(source.read_bytes())))
    return path


def trim(source, path, first, count):
    """As a phone trims: an edit list that shows ``count`` frames from ``first`` on."""
    edit = struct.pack('>II', 0, 1) + struct.pack('>IiI', count * 40, 1024 + first * 512, 65536)
    return change(source, path, elst=lambda content: edit)


def cut_packets(source, path, first):
    """As a recording whose beginning was cut off: without the first packets."""
    with av.open(str(source)) as whole, av.open(str(path), 'w') as container:
        stream = container.add_stream_from_template(whole.streams.video[0])
        for packet in list(whole.demux(video=0))[first:]:
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return path


def turn(source, path, degrees):
    """As a phone that is held upright: a display matrix that turns by 90, 180 or 270 degrees."""
    one = 65536
    a, b = {90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    matrix = struct.pack('>9i', a, b, 0, -b, a, 0, 0, 0, 1 << 30)
    return change(source, path, tkhd=lambda c: c[:40] + matrix + c[76:])
