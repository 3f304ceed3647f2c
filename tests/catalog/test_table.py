"""The reader of tables, and the files that the catalogue and users give it."""

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steptime.model.catalog.files import MAXIMUM_FILE_BYTES, Tables, packaged, read_json, read_text, read_toml
from steptime.model.catalog.hardware import Figure
from steptime.model.catalog.table import Place, Table, free, line, named, read, record, whole
from steptime.model.errors import UserError
from steptime.model.quantity import byte, lookup, second

PLACE = Place("chip.toml")
CHIP = Table(
    {
        "memory": Table({"capacity": byte, "bandwidth": byte / second}, needed=("capacity",)),
        "peaks": {str: 1 / second}, "batch": lookup("batch"), "chips": whole(1, 8, " of chips"), "power": free(second),
        "cooled": bool, "name": line, "note": str, "kind": ("switch", "ring"), "links": [int], "any": float,
    },
    needed=("memory",),
)  # fmt: skip
GOOD = {"memory": {"capacity": "80 GB"}}


def test_everything_in_base_units_and_in_the_order_of_the_file() -> None:
    given = {"any": 3, "links": [0, 2], "kind": "ring", "note": "two\n lines", "power": 0, "chips": "8", "batch": "1k",
             "peaks": {"fp8": "2 GHz"}, "cooled": True, "name": "toy", **GOOD}  # fmt: skip
    found = read(CHIP, given, PLACE)
    assert found == {"memory": {"capacity": 80e9}, "peaks": {"fp8": 2e9}, "batch": 1000.0, "chips": 8, "power": 0.0,
                     "cooled": True, "name": "toy", "note": "two lines", "kind": "ring", "links": (0, 2),
                     "any": 3.0}  # fmt: skip
    assert list(found) == list(given) and isinstance(found["chips"], int) and given["links"] == [0, 2]


@pytest.mark.parametrize(("given", "said"), [
    ({}, "chip.toml: [memory] is missing; expected a table of capacity, bandwidth"),
    ({"memory": {}}, "chip.toml: [memory] capacity is missing; expected a number in B"),
    ({"memory": 3}, "chip.toml: [memory]: expected a table of capacity, bandwidth, got int"),
    ({"memory": {"capacity": "80 m"}}, "chip.toml: [memory] capacity: '80 m'"),
    ({"memory": {"capacty": 1}}, "chip.toml: [memory]: unknown key 'capacty'; did you mean capacity?"),
    ({**GOOD, "memry": 3}, "chip.toml: unknown key 'memry'; did you mean memory?"),
    ({**GOOD, "a\nb": 3}, "chip.toml: unknown key 'a\\nb'"),
    ({**GOOD, "x" * 5000: 3}, "chip.toml: unknown key 'xxx"),
    ({**GOOD, "peaks": 3}, "chip.toml: peaks: expected a table, got int"),
    ({**GOOD, "peaks": {"fp8": -1}}, "chip.toml: peaks.fp8: -1 must be positive"),
    ({**GOOD, "peaks": {"fp8": False}}, "chip.toml: peaks.fp8: expected a number"),
    ({**GOOD, "batch": "2.5"}, "chip.toml: batch: '2.5' must be a whole number"),
    ({**GOOD, "batch": "3 B"}, "chip.toml: batch: '3 B' is in B"),
    ({**GOOD, "chips": 9}, "chip.toml: chips: 9 must be a whole number of chips from 1 to 8"),
    ({**GOOD, "chips": 0}, "chip.toml: chips: 0 must be positive"),
    ({**GOOD, "chips": 2.5}, "chip.toml: chips: 2.5 must be a whole number"),
    ({**GOOD, "power": False}, "chip.toml: power: expected a number"),
    ({**GOOD, "cooled": 1}, "chip.toml: cooled: expected true or false, got int"),
    ({**GOOD, "power": ""}, "chip.toml: power: '' is not a number"),
    ({**GOOD, "name": "a\tb"}, "chip.toml: name: expected one line of text of at most 80 characters"),
    ({**GOOD, "name": "x" * 81}, "chip.toml: name: expected one line"),
    ({**GOOD, "note": "x" * 2001}, "chip.toml: note: expected text of at most 2000 characters"),
    ({**GOOD, "note": ["x"]}, "chip.toml: note: expected text of at most 2000 characters, got list"),
    ({**GOOD, "kind": "rng"}, "chip.toml: kind: unknown value 'rng'; did you mean ring?"),
    ({**GOOD, "kind": "zzz"}, "chip.toml: kind: unknown value 'zzz'; known: switch, ring"),
    ({**GOOD, "kind": 3}, "chip.toml: kind: expected text, one of switch, ring, got int"),
    ({**GOOD, "links": 3}, "chip.toml: links: expected a list, got int"),
    ({**GOOD, "links": [1, "x"]}, "chip.toml: links: expected a whole number, got str"),
    ({**GOOD, "any": "3"}, "chip.toml: any: expected a number, got str"),
    ([GOOD], "chip.toml: expected a table of memory"),
])  # fmt: skip
def test_what_does_not_fit_is_named_in_one_line(given: Any, said: str) -> None:
    with pytest.raises(UserError) as refused:
        read(CHIP, given, PLACE)
    assert str(refused.value).startswith(said) and "\n" not in str(refused.value) and len(str(refused.value)) < 400


def test_a_name_is_the_file_s_own_unless_stated() -> None:
    assert named({"name": "toy"}, "a/chip.toml") == "toy" and named({}, "a/chip.toml") == "chip"
    with pytest.raises(UserError, match="name: expected one line"):
        named({}, "a/" + "x" * 81 + ".toml")


def test_a_dataclass_is_its_own_schema() -> None:
    """What may be None may be left out; a tuple is a list in the file, a dataclass a table."""
    found = read(record(Figure), {"value": 3, "source": ["A", "B"], "doubtful": True}, PLACE)
    assert found == Figure(3.0, ("A", "B"), doubtful=True) and isinstance(found.value, float)
    with pytest.raises(UserError, match="value is missing; expected a number"):
        read(record(Figure), {"source": ["A"]}, PLACE)
    with pytest.raises(UserError, match="source: expected a list, got str"):
        read(record(Figure), {"value": 3, "source": "A"}, PLACE)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["hardware.toml", "transformers.toml", "economy.toml"])
def test_tables_read_one_by_one_are_those_of_the_whole_file(file: str) -> None:
    whole_file, parts = tomllib.loads(packaged(file)), Tables(file)
    assert dict(parts) == whole_file and list(parts) == list(whole_file) and len(parts) == len(whole_file)


def test_only_the_table_that_is_asked_for_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []
    original = tomllib.loads

    def counted(given: str) -> dict[str, Any]:
        parsed.append(len(given))
        return original(given)

    monkeypatch.setattr(tomllib, "loads", counted)
    tables = Tables("hardware.toml")
    assert tables.find("H200") == tables.find("h200-sxm") == "h200-sxm"
    assert tables["h200-sxm"] is tables["h200-sxm"] and len(parsed) == 1
    assert tables.find("sources") is tables.find("") is tables.find('"') is None


READERS: list[Callable[[Path], Any]] = [read_text, read_toml, read_json]


@pytest.mark.parametrize("read", READERS)
def test_a_file_that_cannot_be_read_is_named(read: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"#" * (MAXIMUM_FILE_BYTES + 1))
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    for path, said in ((tmp_path / "large", "is over the limit"), (tmp_path / "latin", "not UTF-8"),
                       (tmp_path, "cannot be read"), (tmp_path / "none", "cannot be read"),
                       (Path("a\0b"), "cannot be read"), (Path("x" * 5000), "cannot be read")):  # fmt: skip
        with pytest.raises(UserError, match=said):
            read(path)


def test_json_is_an_object_that_may_hold_infinity(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": Infinity}')
    assert read_json(path) == {"a": math.inf}
    for bad, said in (("[1]", "expected a JSON object"), ("{", "not valid JSON"), ("[" * 10**5, "not valid JSON")):
        path.write_text(bad)
        with pytest.raises(UserError, match=said):
            read_json(path)
