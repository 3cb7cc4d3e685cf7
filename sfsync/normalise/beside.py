"""Work on every core: Python computes on one alone, so further processes take some of the chunks."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any

Rows = Sequence[Sequence[Any]]
Work = Callable[[Rows], Rows]
"""Must be picklable; called with the same rows it gives the same."""

MOST = 4
"""Further processes. Each takes about 100 MB."""
HERE = 2
"""Chunks done before another process would have started."""
AHEAD = 2
"""Chunks handed to each process at a time, so that it never waits for this one."""


def spread(work: Work, chunks: Iterable[Rows], processes: int | None = None) -> Iterator[Rows]:
    """`work` of every chunk, in no order.

    processes: how many work; None for one on every core, after the first few chunks. This one then only hands out and
    takes back. A process that cannot be started or dies costs time and no result: its chunks are done here.
    """
    left = iter(chunks)
    if processes is None:
        yield from map(work, islice(left, HERE))
        cores = _cores()
        processes = min(cores, MOST) if cores > 1 else 0
    first = next(left, None)
    if first is not None:
        rest = chain([first], left)
        yield from _shared(work, rest, processes) if processes else map(work, rest)


def _shared(work: Work, chunks: Iterator[Rows], processes: int) -> Iterator[Rows]:
    helpers = [_Helper(work) for _ in range(processes)]
    idle: SimpleQueue[_Helper] = SimpleQueue()
    for helper in helpers:
        idle.put(helper)

    def elsewhere(rows: Rows) -> Rows:
        helper = idle.get()
        try:
            return helper(rows)
        finally:
            idle.put(helper)

    threads = ThreadPoolExecutor(processes)
    try:
        away: set[Future[Rows]] = set()
        for rows in chunks:
            away.add(threads.submit(elsewhere, rows))
            if len(away) == AHEAD * processes:
                done, away = wait(away, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in away)
    finally:
        for helper in helpers:
            helper.stop()
        threads.shutdown(cancel_futures=True)


class _Helper:
    """A process that works. Once it has failed, the work is done in this one."""

    def __init__(self, work: Work):
        self._work = work
        self._process = _start()
        self._told = False

    def __call__(self, rows: Rows) -> Rows:
        if self._process is not None:
            try:
                return self._ask(self._process, rows)
            except (OSError, EOFError, ValueError, pickle.UnpicklingError):
                self.stop()
        return self._work(rows)

    def _ask(self, process: subprocess.Popen[bytes], rows: Rows) -> Rows:
        assert process.stdin is not None
        assert process.stdout is not None
        if not self._told:
            pickle.dump(self._work, process.stdin)
            self._told = True
        pickle.dump(rows, process.stdin)
        process.stdin.flush()
        found: Rows = pickle.load(process.stdout)
        return found

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # what could not be flushed
                if pipe is not None:
                    pipe.close()


def _start() -> subprocess.Popen[bytes] | None:
    # Not multiprocessing: it would run the user's own script again in the new process. -P: nothing is imported from the
    # folder one happens to be in.
    command = [sys.executable, "-P", "-m", __name__]
    folders = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
        )
    except OSError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _main() -> None:
    """In the further process: the work, then chunk after chunk until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    work: Work = pickle.load(sys.stdin.buffer)
    while True:
        try:
            rows = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(work(rows), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
