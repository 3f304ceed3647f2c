"""Files as data: a user's, with a limit on their size, and the tables that the package carries.

Nothing that a file holds is ever evaluated.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from steptime.model.errors import UserError

MAXIMUM_FILE_BYTES = 4_000_000

_heading = re.compile(r'^\[(?:"([^"]+)"|([^\]".]+))[\].]', re.MULTILINE)


def read_text(path: Path) -> str:
    """The text of a file of at most four megabytes; raises UserError otherwise."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAXIMUM_FILE_BYTES else b""
    except (OSError, ValueError) as error:  # a name with a null character in it is a ValueError
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UserError(f"{path}: cannot be read ({reason})") from None
    if size > MAXIMUM_FILE_BYTES:
        raise UserError(f"{path}: {size} bytes is over the limit of {MAXIMUM_FILE_BYTES}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text") from None


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as data; raises UserError with the place of the mistake."""
    found: dict[str, Any] = _parsed(path, "TOML", tomllib.loads)
    return found


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object as data; a bare Infinity, which some published configurations hold, is accepted."""
    data = _parsed(path, "JSON", json.loads)
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected a JSON object, found {type(data).__name__}")
    return data


def _parsed(path: Path, form: str, parser: Callable[[str], Any]) -> Any:
    text = read_text(path)
    try:
        return parser(text)
    except (ValueError, RecursionError) as error:  # what both parsers raise for text that is not theirs
        first = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise UserError(f"{path}: not valid {form}: {first}") from None


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

    def find(self, written: str) -> str | None:
        """The name of the entry that is meant, in any case: its own name, or one that it lists under ``also``."""
        wanted = written.strip().lower()
        if wanted in self.entries:
            return wanted
        quoted = f'"{wanted}"'  # without it in the text the table need not be parsed
        others = (name for name in self.entries if quoted in self._texts[name])
        return next((name for name in others if wanted in self[name].get("also", ())), None)
