"""Calls that may crash or hang, each in a process that can be replaced."""
import multiprocessing
import multiprocessing.connection
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch

T = TypeVar('T')


def run_guarded(function: Callable[[Any], T], items: Sequence, processes: int,
                timeout: float) -> Iterator[tuple[Any, T | None, str | None]]:
    """Call a function for every item in processes that may crash or hang without harm to the
    others.

    Each process takes one item after the other. A process that crashes, or that takes too long, is
    ended and replaced. Processes are forked, so they import nothing again.

    Args:
        function (Callable): the function of one item.
        items (Sequence): the items.
        processes (int): how many items are worked on at a time.
        timeout (float): the most seconds for an item.

    Yields:
        tuple: the item, its result or None, and the error text or None, as soon as it is known.
    """
    context = multiprocessing.get_context('fork')
    waiting = list(reversed(items))
    busy: dict[Any, tuple[Any, Any, float]] = {}
    idle: list[tuple[Any, Any]] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                pipe, process = idle.pop() if idle else _start(context, function)
                item = waiting.pop()
                pipe.send(item)
                busy[pipe] = process, item, time.monotonic() + timeout
            patience = min(deadline for _, _, deadline in busy.values()) - time.monotonic()
            ready: list[Any] = multiprocessing.connection.wait(list(busy), max(0, patience))
            for pipe in ready:
                process, item, _ = busy.pop(pipe)
                try:
                    result, trouble = pipe.recv()
                    idle.append((pipe, process))
                except EOFError:
                    process.join()
                    result, trouble = None, f'the process crashed (exit code {process.exitcode})'
                yield item, result, trouble
            for pipe in [p for p, (_, _, end) in busy.items() if end <= time.monotonic()]:
                process, item, _ = busy.pop(pipe)
                process.kill()
                process.join()
                pipe.close()
                yield item, None, f'not done after {timeout} s'
    finally:
        processes_left = [p for p, _, _ in busy.values()] + [p for _, p in idle]
        for process in processes_left:
            process.kill()
        for process in processes_left:
            process.join()  # else they stay behind as zombies
        for pipe in [*busy, *(pipe for pipe, _ in idle)]:
            pipe.close()


def _start(context: Any, function: Callable[[Any], Any]) -> tuple[Any, Any]:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(function, theirs, ours), daemon=True)
    process.start()
    theirs.close()
    return ours, process


def _serve(function: Callable[[Any], Any], pipe: Any, other_end: Any) -> None:
    other_end.close()  # else the pipe would not end with the process that started this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which is told of Ctrl-C, too, and ends this one
    torch.set_num_threads(1)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            answer: tuple[Any, str | None] = function(item), None
        except Exception as error:  # whatever it is, it belongs to this item alone
            answer = None, f'{type(error).__name__}: {error}'
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return  # nobody is there
