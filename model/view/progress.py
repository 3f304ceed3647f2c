"""Progress of long work, on stderr."""

import sys
import time

import click


class Progress:
    """One line on stderr while something takes longer than two seconds; wiped away at the end."""

    def __init__(self, what: str) -> None:
        self.what, self.started, self.shown = what, time.monotonic(), 0.0

    def show(self, share: float) -> None:
        """``share`` of the work is done."""
        now = time.monotonic()
        pause = 0.5 if sys.stderr.isatty() else 10.0
        if now - self.started > 2 and (now - self.shown > pause or share >= 1):
            self.shown = now
            end = "\n" if share >= 1 or not sys.stderr.isatty() else ""
            start = "\r" if sys.stderr.isatty() else ""
            click.echo(f"{start}{self.what}: {share:.0%} after {now - self.started:.0f} s{end}", err=True, nl=False)
