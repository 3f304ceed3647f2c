"""Files of users: what is read of them, what is refused, and that nothing in them is obeyed by a terminal."""

import io
import json
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.catalog.table import Place, Table, read
from steptime.model.errors import UserError, printable
from steptime.model.parse import parse
from steptime.model.quantity import count

from steptime.model.catalog.files import (  # isort: skip
    MAXIMUM_FILE_BYTES, MAXIMUM_TOML_BYTES, MOST_PARTS, read_json, read_text, read_toml,
)  # fmt: skip

READERS: list[Callable[[Path], Any]] = [read_text, read_toml, read_json]
LIMITS = [(read_text, MAXIMUM_FILE_BYTES), (read_json, MAXIMUM_FILE_BYTES), (read_toml, MAXIMUM_TOML_BYTES)]


@pytest.mark.parametrize(("reader", "most"), LIMITS)
def test_a_file_may_have_its_limit_and_not_one_byte_more(reader: Any, most: int, tmp_path: Path) -> None:
    text = b'{"a": 1}' if reader is read_json else b"a = 1\n"
    (tmp_path / "at").write_bytes(text.ljust(most))
    (tmp_path / "over").write_bytes(text.ljust(most + 1))
    assert reader(tmp_path / "at")
    with pytest.raises(UserError, match=f"is over the limit of {most} bytes"):
        reader(tmp_path / "over")


@pytest.mark.parametrize("reader", READERS)
def test_only_regular_files_are_read(reader: Callable[[Path], Any], tmp_path: Path) -> None:
    """A device has no end, and opening a pipe that nobody writes to waits for ever; by links too."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, said in (("/dev/zero", "no regular file"), ("link", "no regular file"), ("pipe", "no regular file"),
                       ("loop", "symbolic links"), (".", "a folder")):  # fmt: skip
        with pytest.raises(UserError, match=said):
            reader(tmp_path / name)


def test_no_more_is_read_than_one_byte_over_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file says of its size may be out of date, or 0, as under /proc: it is not asked."""
    (tmp_path / "long").write_bytes(b"#" * 1000)
    asked: list[int] = []

    class Counting(io.FileIO):
        def read(self, size: int | None = -1) -> Any:
            asked.append(-1 if size is None else size)
            return super().read(size)

    monkeypatch.setattr("steptime.model.catalog.files.open", lambda handle, mode: Counting(handle), raising=False)
    with pytest.raises(UserError, match="over the limit of 10 bytes"):
        read_text(tmp_path / "long", 10)
    assert asked == [11]


@pytest.mark.parametrize(("text", "key"), [
    ('{"layers": 1, "layers": 2}', "layers"), ('{"a": {"b": [{"c": 1, "d": 2, "c": 1}]}}', "c"),
])  # fmt: skip
def test_a_json_key_stands_once(text: str, key: str, tmp_path: Path) -> None:
    """RFC 8259, section 4: which value of a repeated key counts is not the same everywhere."""
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=f"key '{key}' occurs twice"):
        read_json(tmp_path / "a.json")


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    for name, reader, text in (("a.json", read_json, '{"a": 1}'), ("a.toml", read_toml, "a = 1"), ("a", read_text, "")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        plain = reader(tmp_path / name)
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert reader(tmp_path / name) == plain


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, "0b" + "1" * 50_000, "9" * 5000, "-" + "9" * 31], ids=len)
@pytest.mark.parametrize("place", ["{}", "[1, {}]", "{{ deep = {{ deeper = {} }} }}"])
def test_no_whole_number_is_longer_than_any_quantity(number: str, place: str, tmp_path: Path) -> None:
    """Python raises ValueError where it writes a number of more than 4300 digits, wherever that may be."""
    (tmp_path / "a.toml").write_text(f"a = {place.format(number)}")
    with pytest.raises(UserError, match="whole number") as refused:
        read_toml(tmp_path / "a.toml")
    assert len(str(refused.value)) < 300
    (tmp_path / "fits.toml").write_text(f"a = {2**100 - 1}")
    assert read_toml(tmp_path / "fits.toml") == {"a": 2**100 - 1}


def test_a_long_number_from_python_is_refused_in_words() -> None:
    with pytest.raises(UserError, match="`batch`: a number of thousands of digits must be positive, finite"):
        parse(10**5000, count, "`batch`")


LONG = ".".join(["a"] * 50_000)


@pytest.mark.parametrize(
    "text",
    [
        f"{LONG} = 1",
        f"[{LONG}]",
        f"[[ {LONG} ]]",
        f"x = {{ y = {{ {LONG} = 1 }} }}",
        f"x = 'it\"s'\n{LONG} = 1",
        f"# it's\n'b' . {LONG} = 1",
        f'x = """a"b""c""""\n{LONG} = 1',
        f'x = "\\""\n"q".{LONG} = 1',
        f"x = '''\n'''\n{LONG} = 1",
    ],
    ids=["key", "table", "tables", "inline", "after text", "after a comment", "after lines", "quoted", "literal"],
)
def test_a_key_has_few_parts(text: str, tmp_path: Path) -> None:
    """The parser's time grows with the square of their number: 50,000 take hours."""
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(UserError, match=f"a key of more than {MOST_PARTS} parts in line {text.count(chr(10)) + 1}$"):
        read_toml(tmp_path / "a.toml")


@pytest.mark.parametrize("text", [
    f'x = "{LONG}"', f"# {LONG}", f"x = '''\n{LONG}'''", f'x = """\n{LONG}"""', f"x = '{LONG}'",
    f"{'.'.join(['a'] * MOST_PARTS)} = 1", f'x = "a\\"{LONG}"',
])  # fmt: skip
def test_what_is_no_key_may_have_many_parts(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text)
    assert read_toml(tmp_path / "a.toml") == tomllib.loads(text)


# --- what a terminal obeys --------------------------------------------------------------------------------------------

NAMES = ["a\x1b[31mb", "a\x9b31mb", "a\nb", "a\u202eb", "a\udcffb", "a\rb", "a\x07b"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_files_reach_the_terminal_as_text(name: str, tmp_path: Path, run: Any) -> None:
    """Wherever they come out: the name of a model or machine, the origin of a figure, an error; in JSON too."""
    llama = {"model_type": "llama", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 9,
             "num_attention_heads": 4, "num_key_value_heads": 4, "torch_dtype": "bfloat16"}  # fmt: skip
    files = {"config.json": json.dumps(llama), "hardware.toml": "peak_flops = 1e15\nmemory_bandwidth = 1e12\n",
             "model.toml": "parameters = 1e9\nkv_bytes = 100\n", "bad.json": "{", "bad.toml": "a ="}  # fmt: skip
    folder = tmp_path / name
    folder.mkdir()
    for file, text in files.items():
        (folder / file).write_text(text)
        (folder / f"{name}{file}").write_text(text)
    assert load_model(str(folder)).name == printable(name)
    assert load_hardware(str(folder / "hardware.toml")).origin.isprintable()
    for start in ("", name):
        for command in (["step", str(folder / f"{start}config.json"), str(folder / f"{start}hardware.toml")],
                        ["step", str(folder), "h100-sxm"],
                        ["catalog", "hardware", str(folder / f"{start}hardware.toml")],
                        ["step", str(folder / f"{start}model.toml"), "h100-sxm"],
                        ["catalog", "models", str(folder / f"{start}model.toml")],
                        ["step", str(folder / f"{start}bad.json"), "h100-sxm"],
                        ["step", "gpt2", str(folder / f"{start}bad.toml")]):  # fmt: skip
            for form in ([], ["--json"]):
                code, out, err = run(*command, *form)
                assert code == (2 if "bad" in str(command) else 0), err
                assert all(line.isprintable() for line in (out + err).split("\n")), (out, err)


def test_texts_in_files_reach_the_terminal_as_text(tmp_path: Path) -> None:
    assert read(Table({"note": str}), {"note": "a\x1b[31m\n b"}, Place("chip.toml")) == {"note": "a\\x1b[31m b"}
    assert str(UserError("a\x1b[31m\nb\u202e")) == "a\\x1b[31m b\\u202e"
