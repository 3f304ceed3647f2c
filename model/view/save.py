"""Files that commands write: whole, or not at all."""

import os
import stat
import tempfile
from contextlib import suppress

unfinished: set[str] = set()
"""Temporary files that still stand; who ends the process at once takes them away."""


def save(path: str, content: str | bytes) -> None:
    """Write a file of text or bytes. It is written beside its place, reaches the disk and takes its name in one move:
    whatever fails, a full disk too, an older file is as it was. Raises OSError.

    A link stays one, and a file keeps its mode. A device or a pipe is written to: it is no file to be replaced.
    """
    written = content.encode() if isinstance(content, str) else content
    place = os.path.realpath(path)
    try:
        mode = os.stat(place).st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG | (0o666 & ~_umask())
    if not stat.S_ISREG(mode):
        with open(os.open(place, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0)), "wb") as device:
            device.write(written)
        return
    handle, beside = tempfile.mkstemp(prefix=".", suffix=".part", dir=os.path.dirname(place))
    unfinished.add(beside)
    try:
        with open(handle, "wb") as file:
            file.write(written)
            file.flush()
            os.fsync(handle)
        os.chmod(beside, stat.S_IMODE(mode))
        os.replace(beside, place)
    finally:
        discard()


def discard() -> None:
    """Take away what was begun and has no name yet."""
    while unfinished:
        with suppress(OSError):
            os.unlink(unfinished.pop())


def _umask() -> int:
    """The bits that a new file does not get; the system says them only by setting others."""
    bits = os.umask(0o077)
    os.umask(bits)
    return bits
