"""Files as data: a user's, with a limit on their size, and the tables that the package carries.

Nothing that a file holds is ever evaluated. Only regular files are read: a device never ends, a pipe may never begin.
"""

import errno
import json
import os
import re
import stat
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from steptime.model.errors import UserError
from steptime.model.names import matches, squashed

MAXIMUM_FILE_BYTES = 4_000_000
MAXIMUM_TOML_BYTES = 400_000
"""Python's own parser takes seconds for a megabyte of TOML; the largest file of the catalogue has a fifth of this."""
MOST_BITS = 100
"""Of a whole number: thirty digits. No quantity comes near it, and Python refuses to print one of thousands."""
MOST_PARTS = 16
"""Of a dotted TOML key; the parser's time grows with their square. Files here need three."""

# One pass over strings, comments and words, without a second try: parts with dots between them are keys there.
_part = r'(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|\'[^\'\n]*+\')[ \t]*+'
_words = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"""|\Z)|' r"'''.*?(?:'''|\Z)|#[^\n]*+|"
    rf"(?P<long>{_part}(?:\.[ \t]*+{_part}){{{MOST_PARTS}}})|"
    r'"(?:[^"\\\n]|\\.)*+"?|' r"'[^'\n]*+'?|[A-Za-z0-9_-]++", re.DOTALL,
)  # fmt: skip
_also, _quoted = re.compile(r"^also = \[([^\]]*)\]", re.MULTILINE), re.compile(r'"([^"]*)"')
_heading = re.compile(r'^\[(?:"([^"]+)"|([^\]".]+))[\].]', re.MULTILINE)


def read_text(path: Path, most: int = MAXIMUM_FILE_BYTES) -> str:
    """The text of a regular file of at most so many bytes, without a byte order mark; raises UserError otherwise."""
    try:
        data = _read(path, most + 1)
    except (OSError, ValueError) as error:  # a name with a null character in it is a ValueError
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UserError(f"{path}: cannot be read ({reason})") from None
    if len(data) > most:
        raise UserError(f"{path}: is over the limit of {most} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None


def _read(path: Path, most: int) -> bytes:
    """The first bytes of a regular file. What a name stands for is asked before it is opened, as some devices notice
    that, and again of what was opened; a pipe without a writer does not make it wait."""
    _must_be_regular(path.stat().st_mode)
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        _must_be_regular(os.fstat(file.fileno()).st_mode)
        return file.read(most)


def _must_be_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "a folder" if stat.S_ISDIR(mode) else "no regular file: a device, pipe or socket")


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as data; raises UserError with the place of the mistake."""
    found: dict[str, Any] = _parsed(read_text(path, MAXIMUM_TOML_BYTES), path, "TOML", _toml)
    return found


def read_json(path: Path, most: int = MAXIMUM_FILE_BYTES) -> dict[str, Any]:
    """A JSON object as data; a bare Infinity, which some published configurations hold, is accepted. A key that occurs
    twice is not: parsers differ in which of its values they take."""
    data = _parsed(read_text(path, most), path, "JSON", lambda text: json.loads(text, object_pairs_hook=_each_once))
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(data).__name__}")
    return data


def _toml(text: str) -> dict[str, Any]:
    if found := next((word for word in _words.finditer(text) if word["long"]), None):
        number = text.count("\n", 0, found.start()) + 1
        raise UserError(f"a key of more than {MOST_PARTS} parts in line {number}")
    return tomllib.loads(text)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise UserError(f"key {twice[:40]!r} occurs twice")
    return found


def _parsed(text: str, path: Path, form: str, parser: Callable[[str], Any]) -> Any:
    try:
        data = parser(text)
    except (ValueError, RecursionError) as error:  # what both parsers raise for text that is not theirs
        first = (str(error) or type(error).__name__).splitlines()[0][:120]
        reason = "a whole number of thousands of digits" if "integer string conversion" in first else first
        raise UserError(f"{path}: not valid {form}: {reason}") from None
    if (name := _too_long(data)) is not None:
        raise UserError(f"{path}: {name[:40]!r}: a whole number may have at most thirty digits")
    return data


def _too_long(data: Any) -> str | None:
    """The key that holds a whole number too long for any quantity, at any depth; None where there is none."""
    open_ends: list[tuple[str, Any]] = [("", data)]
    while open_ends:  # without recursion: a parser's nesting may be deeper than the calls that are left
        name, value = open_ends.pop()
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            return name
        if isinstance(value, dict):
            open_ends += value.items()
        elif isinstance(value, list):
            open_ends += ((name, item) for item in value)
    return None


def packaged(name: str) -> str:
    """The text of a file that the catalogue carries, beside this module."""
    return (Path(__file__).parent / name).read_text("utf-8")


class Tables(Mapping[str, Any]):
    """The tables of one TOML file of the catalogue by name, each parsed when it is first asked for.

    A step needs one machine and one model, and the whole of a file takes ten times as long. The text is cut at the
    headings, which stand at the beginning of a line; a test holds the parts equal to the whole. The table ``sources``
    says what source keys stand for, and is no entry.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._read: dict[str, Any] = {}

    @cached_property
    def _texts(self) -> dict[str, str]:
        text = packaged(self._file)
        headings = list(_heading.finditer(text))
        ends = [heading.start() for heading in headings[1:]] + [len(text)]
        texts: dict[str, str] = {}
        for heading, end in zip(headings, ends, strict=True):
            name = heading[1] or heading[2]
            texts[name] = texts.get(name, "") + text[heading.start() : end]
        return texts

    def __getitem__(self, name: str) -> Any:
        if name not in self._read:
            self._read[name] = tomllib.loads(self._texts[name])[name]
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def entries(self) -> list[str]:
        """The names of the tables but ``sources``, in the order of the file."""
        return [name for name in self if name != "sources"]

    @cached_property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Every name of each entry: its own, then those that it lists under ``also``, read without parsing the rest."""
        listed = {name: _also.search(self._texts[name]) for name in self.entries}
        return {name: (name, *(_quoted.findall(found[1]) if found else ())) for name, found in listed.items()}

    @cached_property
    def _found(self) -> dict[str, str]:
        return {squashed(one): name for name, names in self.names.items() for one in names}

    def find(self, written: str) -> str | None:
        """The name of the entry that is meant, however it is written: in any case, with any separators."""
        return self._found.get(squashed(written))

    def alike(self, written: str, most: int = 3) -> list[str]:
        """What may have been meant, each entry once, under the name that is likest to what was written: its own, where
        that begins so."""
        entry_of = {one: name for name, names in self.names.items() for one in names}
        typed, shown = squashed(written), dict[str, str]()
        for one in matches(written, entry_of, most=len(entry_of)):
            name = entry_of[one]
            shown.setdefault(name, name if squashed(name).startswith(typed) else one)
        return list(shown.values())[:most]
