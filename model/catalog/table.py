"""The one reader of TOML tables: a schema says what each key may hold, and what does not fit is named with its place.

A schema is ``bool``; ``int`` or ``float``, a number as it stands; ``str``, text; a unit: a positive number in base
units or text with a unit; a ``Quantity``: a value in its sane range; a tuple of words, one of them; ``[schema]``, a
list of them; a ``Table``; ``{str: schema}``, a table of any names; or a function of value and place. Every error is one
line: file, table and key, what was expected, and the best matches of what is not known.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from sympy import Expr

from steptime.model.errors import UserError, printable, unknown
from steptime.model.parse import parse, parse_quantity
from steptime.model.quantity import Quantity, count

LONGEST_TEXT = 2000
_words = {bool: "true or false", int: "a whole number", float: "a number"}
_words[str] = f"text of at most {LONGEST_TEXT} characters"


@dataclass(frozen=True)
class Place:
    """Where a value stands, as messages say it.

    >>> print(Place("tiers.toml", "ddr").of("link"))
    tiers.toml: [ddr] link
    """

    file: str
    heading: str = ""
    key: str = ""

    def __str__(self) -> str:
        inside = " ".join(part for part in (self.heading and f"[{self.heading}]", self.key) if part)
        return f"{self.file}: {inside}" if inside else self.file

    def of(self, key: str, holds: Any = None) -> "Place":
        """The place of a key here; a ``Table`` on a file's first level is shown as [its heading]."""
        shown = (key if key.isprintable() else repr(key))[:60]
        if isinstance(holds, Table) and not self.heading and not self.key:
            return Place(self.file, shown)
        return Place(self.file, self.heading, f"{self.key}.{shown}" if self.key else shown)

    def error(self, message: str) -> UserError:
        return UserError(f"{self}: {message}")


@dataclass(frozen=True)
class Table:
    """A table of known keys, of which some are ``needed``; ``make`` makes of them what the library holds."""

    keys: Mapping[str, Any]
    needed: Collection[str] = ()
    make: Callable[..., Any] = dict


def record(kind: type[Any]) -> Table:
    """The table that states a frozen dataclass: its fields are the keys, their types the schemas."""
    keys = {name: _of_type(hint) for name, hint in get_type_hints(kind).items()}
    return Table(keys, [field.name for field in fields(kind) if field.default is MISSING], kind)


def _of_type(hint: Any) -> Any:
    stated = get_args(hint)[0] if isinstance(hint, UnionType) else hint  # None is what a file leaves out
    if isinstance(stated, type) and is_dataclass(stated):
        return record(stated)
    return [_of_type(get_args(stated)[0])] if get_origin(stated) is tuple else stated


def read(schema: Any, value: Any, place: Place) -> Any:
    """The value as the library holds it; raises UserError where it does not fit.

    >>> from steptime.model.quantity import byte
    >>> read(Table({"memory": byte, "cooled": bool}), {"memory": "1 TB"}, Place("chip.toml"))
    {'memory': 1000000000000.0}
    >>> read(Table({"memory": byte, "cooled": bool}), {"memry": "1 TB"}, Place("chip.toml"))
    Traceback (most recent call last):
    ...
    steptime.model.errors.UserError: chip.toml: unknown key 'memry'; did you mean memory?
    """
    if isinstance(schema, Expr):
        return parse(value, schema, str(place))
    if isinstance(schema, Quantity):
        return parse_quantity(replace(schema, name=str(place)), value)
    if not isinstance(schema, type | tuple | list | dict | Table):
        return schema(value, place)
    if not _is_like(value, schema):
        raise place.error(f"expected {expected(schema)}, got {type(value).__name__}")
    if isinstance(schema, type):
        return printable(" ".join(value.split())) if schema is str else schema(value)
    if isinstance(schema, tuple):
        return value if value in schema else _refuse("value", value, schema, place)
    if isinstance(schema, list):
        return tuple(read(schema[0], item, place) for item in value)
    keys = schema.keys if isinstance(schema, Table) else dict.fromkeys(value, schema[str])
    for key in value:
        if key not in keys:
            _refuse("key", key, keys, place)
    found = {key: read(keys[key], inner, place.of(key, keys[key])) for key, inner in value.items()}
    if not isinstance(schema, Table):
        return found
    for key in schema.needed:
        if key not in found:
            raise missing(keys[key], place.of(key, keys[key]))
    return schema.make(**found)


def _is_like(value: Any, schema: Any) -> bool:
    if not isinstance(schema, type):
        return isinstance(value, str if isinstance(schema, tuple) else list if isinstance(schema, list) else dict)
    if isinstance(value, bool) != (schema is bool) or (schema is str and len(str(value)) > LONGEST_TEXT):
        return False
    return isinstance(value, int | float if schema is float else schema)


def _refuse(kind: str, name: str, known: Collection[str], place: Place) -> Any:
    raise place.error(str(unknown(kind, name, list(known), f"known: {', '.join(known)}")))


def expected(schema: Any) -> str:
    """What a schema lets through, in words; nothing of a function."""
    if isinstance(schema, Expr | Quantity):
        unit = schema if isinstance(schema, Expr) else schema.unit
        return "a number" if unit == count else f"a number in {unit}"
    if isinstance(schema, tuple | Table):
        names = schema if isinstance(schema, tuple) else schema.keys
        return f"{'text, one' if names is schema else 'a table'} of {', '.join(names)}"
    return "a list" if isinstance(schema, list) else "a table" if isinstance(schema, dict) else _words.get(schema, "")


def missing(schema: Any, place: Place) -> UserError:
    """What to say of a value that is not there."""
    words = expected(schema)
    return UserError(f"{place} is missing{words and '; expected '}{words}")


# --- functions as schemas ---------------------------------------------------------------------------------------------


def free(unit: Expr) -> Callable[[Any, Place], float]:
    """As a unit, but zero is a value too: what costs nothing."""
    return lambda value, place: 0.0 if value == 0 and not isinstance(value, bool) else parse(value, unit, str(place))


def whole(least: int, most: int, of: str = "") -> Callable[[Any, Place], int]:
    """A whole number between two others, of what the message says."""

    def checked(value: Any, place: Place) -> int:
        found = parse(value, count, str(place))
        if found % 1 or not least <= found <= most:
            raise place.error(f"{value} must be a whole number{of} from {least} to {most}")
        return int(found)

    return checked


def line(value: Any, place: Place, most: int = 80) -> str:
    """A name: one line of text that can be printed, not empty."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > most:
        raise place.error(f"expected one line of text of at most {most} characters")
    return value


def named(found: dict[str, Any], origin: str) -> str:
    """The name that a file gives, taken out of what was read of it; else the file's own."""
    return str(found.pop("name")) if "name" in found else line(Path(origin).stem, Place(origin, key="name"))
