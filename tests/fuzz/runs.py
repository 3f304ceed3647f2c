"""Runs of the command line: in this process, or each in one of its own; stopped where they hang."""

import io
import os
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from command_lines import Invocation, invocation
from judged import LONG, Run, faults

from steptime.cli import main

OLD = "what was there before\n"


class Hangs(BaseException):
    """A run used more processor time than it may; nothing catches it."""


class Heard(io.BytesIO):
    """Bytes, and the longest processor time that passed between two pieces of them."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.silence = time.process_time(), 0.0

    def write(self, data: Any) -> int:
        self.rest()
        return super().write(data)

    def rest(self) -> float:
        """The longest silence, that since the last piece among them."""
        now = time.process_time()
        self.silence, self.last = max(self.silence, now - self.last), now
        return self.silence


def in_process(asked: Invocation, folder: Path) -> Run:
    """Through the entry point, with streams of its own."""
    raw = io.BytesIO(), Heard()
    out, err = (io.TextIOWrapper(one, encoding="utf-8", newline="", write_through=True) for one in raw)
    before, code, started = contents(folder), None, time.process_time()
    with redirect_stdout(out), redirect_stderr(err), alarm(LONG):
        try:
            main(list(asked.arguments))
        except SystemExit as stopped:
            code = stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
        except Hangs:
            pass
        except BaseException:  # an interpreter would print it, and exit with 1
            traceback.print_exc()
            code = 1
    seconds, silence = time.process_time() - started, raw[1].rest()
    for stream in (out, err):
        stream.flush()
    texts = [one.getvalue().decode("utf-8") for one in raw]
    return Run(asked.arguments, code, *texts, seconds, before, contents(folder), silence)


def as_process(asked: Invocation, folder: Path) -> Run:
    """A process of its own: its processor time too is what counts, so long as it ends at all."""
    before, started = contents(folder), spent()
    most = 3 * LONG
    command = [sys.executable, "-m", "steptime.cli", *asked.arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=most, env={**os.environ, "OMP_NUM_THREADS": "1"})
    except subprocess.TimeoutExpired:
        return Run(asked.arguments, None, "", "", most, before, contents(folder))
    texts = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    return Run(asked.arguments, done.returncode, *texts, spent() - started, before, contents(folder))


def spent() -> float:
    """Processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises Hangs in the block after so much processor time; a machine that is busy otherwise does not count."""

    def stop(number: int, frame: object) -> None:
        raise Hangs

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds * 1.1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by name; of long ones the first bytes and the length."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            found[str(path.relative_to(folder))] = data if len(data) < 10_000 else data[:1000] + str(len(data)).encode()
    return found


def once(seed: int, number: int, how: Callable[[Invocation, Path], Run] = in_process) -> tuple[Run, list[str]]:
    """Command line ``number`` of a seed, and what is wrong with what it did."""
    with TemporaryDirectory(prefix="steptime-") as name:
        folder = Path(name)
        asked = invocation(seed, number, folder)
        if random.Random(number).random() < 0.5:
            (folder / "out.tex").write_text(OLD)
        run = how(asked, folder)
        found = faults(run, asked.long)
        return run, [fault.replace(name, "FOLDER") for fault in found]
