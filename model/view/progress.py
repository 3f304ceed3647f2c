"""Progress of long work, on stderr."""

import math
import sys
import time
from contextlib import suppress

import click

_standing = 0
"""Characters of the line that stands on a terminal's last row."""


class Progress:
    """One line on stderr while something takes longer than two seconds; on a terminal wiped away at the end."""

    def __init__(self, what: str) -> None:
        self.what, self.started, self.shown = what, time.monotonic(), -math.inf
        self.counted: int | None = None
        """What was done when the first count came: of a sweep that goes on, what it had."""

    def count(self, done: int, whole: int) -> None:
        """So many of all points are done: says their rate, and the time left at it."""
        if self.counted is None:
            self.counted = done
        seconds = time.monotonic() - self.started
        rate = (done - self.counted) / seconds if seconds else 0.0
        left = f", {rate:.3g} points/s, {(whole - done) / rate:.0f} s left" if rate else ""
        self.show(done / whole if whole else 1.0, left)

    def show(self, share: float, more: str = "") -> None:
        """``share`` of the work is done."""
        global _standing
        now, on_terminal = time.monotonic(), sys.stderr.isatty()
        if now - self.started > 2 and (now - self.shown > (0.5 if on_terminal else 5.0) or share >= 1):
            self.shown = now
            line = f"{self.what}: {share:.0%} after {now - self.started:.0f} s{more}"
            wipe()
            with suppress(OSError):  # where nothing can be said, the work goes on
                click.echo(line, err=True, nl=not on_terminal)
            _standing = len(line) if on_terminal else 0
        if share >= 1:
            wipe()


def wipe() -> None:
    """Take the line away, so that what comes next has its own."""
    global _standing
    if _standing:
        with suppress(OSError):
            click.echo(f"\r{' ' * _standing}\r", err=True, nl=False)
        _standing = 0
