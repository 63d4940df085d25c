"""Functions of CUDA tensors that are recorded, so that one launch takes the place of hundreds."""
import copy
import logging

import torch
from mmengine.logging import print_log

# Number of input shapes whose recordings are kept: negatives, full and last batches of a fit, of an
# evaluation, and of the frames without a gradient in a training step. With fewer, each would be
# recorded again in every epoch.
MOST = 8


def record(function, inputs):
    """Record the kernels that a function launches on a GPU.

    Args:
        function (Callable): of CUDA tensors, to a tensor or a tuple of such. It must wait for
            nothing and always launch the same.
        inputs (list[Tensor]): the recording reads them where they lie.

    Returns:
        tuple[Callable, Tensor | tuple]: a function that launches it again, and the tensor or
        tensors in which its result then lies.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # what only a first call does should not be recorded
        function(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    # A recording has its own stream, because cuBLAS keeps its memory by stream and newer PyTorch
    # frees it with the recording. 'thread_local' lets threads pin the memory of the next batch
    # meanwhile. The outer block goes back to this stream if a recording fails.
    with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(
            graph, stream=stream, capture_error_mode='thread_local'):
        result = function(*inputs)
    return graph.replay, result


def _copy(result):
    return tuple(map(_copy, result)) if isinstance(result, tuple) else result.clone()


class Replayed:
    """A function that is recorded when a shape of input comes a second time, and then replayed.

    The weights that it reads may change in place. If recording fails, a warning says so and the
    function is called without it.

    Args:
        function (Callable): of tensors on a GPU, without gradients, to a tensor or a tuple of such.
        record (Callable): see ``record``. Defaults to it.
    """

    def __init__(self, function, record=record):
        self.function, self.record = function, record
        self.recordings, self.failed = {}, False

    def __deepcopy__(self, memo):
        return Replayed(copy.deepcopy(self.function, memo), self.record)  # without the recordings

    def __call__(self, *inputs):
        shape = tuple((x.shape, x.dtype, x.device) for x in inputs)
        if self.failed or shape not in self.recordings:
            self.recordings[shape] = None
            if len(self.recordings) > MOST:
                del self.recordings[next(iter(self.recordings))]
            return self.function(*inputs)
        if self.recordings[shape] is None:
            places = [torch.empty_like(x).copy_(x) for x in inputs]
            try:
                self.recordings[shape] = places, *self.record(self.function, places)
            except RuntimeError as error:
                self.failed = True
                reason = str(error).strip().partition('\n')[0]
                print_log(f'kernels are launched one by one, recording them fails: {reason}',
                          'current', logging.WARNING)
                return self.function(*inputs)
        places, replay, result = self.recordings[shape]
        for place, x in zip(places, inputs, strict=True):
            place.copy_(x)
        replay()
        return _copy(result)
