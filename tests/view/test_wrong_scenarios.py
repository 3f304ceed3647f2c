"""Files of a scenario with a wrong value under any key: an answer, or one line and exit code 2."""

import itertools
from pathlib import Path

import pytest

SCENARIO = {
    "model": '"llama-3.1-8b"', "hardware": '"h100-sxm"', "layout": '"tp=2"', "batch": '"8"', "context": '"4k"',
    "phase": '"decode"', "weights": '"fp8"', "kv": '"fp8"', "activations": '"fp8"', "overlap": '"none"',
    "experts": '"all"', "efficiency": '"ideal"', "scope": '"steps"', "basis": '"rent"', "set": '["kv_bytes=1e5"]',
    "memory_bandwidth": '"3TB/s"', "chips": '"2"', "dropout": "false", "zero": '"0"',
}  # fmt: skip
WRONG = ("[]", "[[]]", '[["tp=1"]]', '[""]', "{}", "{ a = 1 }", "[{ a = 1 }]", "true", "[true]", "nan", "[nan]", "inf",
         "-inf", "-1", "0", "1e308", "123456789012345678901234567890", '""', '"x"', '"x=1,"', "2026-11-30",
         '"tp=1\\n"', "[1, 2]", '["a", "b"]')  # fmt: skip
COMMANDS = {"step": 1, "report": 6, "explain": 6}
"""A command, and of how many wrong values it is shown one: all are read in one place."""


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_value_is_one_line(command: str, tmp_path: Path, run) -> None:
    file, refused = tmp_path / "F.toml", 0
    for key, value in itertools.islice(itertools.product(SCENARIO, WRONG), None, None, COMMANDS[command]):
        kept = {name: text for name, text in SCENARIO.items() if name in ("model", "hardware")}
        file.write_text("".join(f"{name} = {text}\n" for name, text in {**kept, key: value}.items()), "utf-8")
        form = ["--format", "md"] if command == "report" else ["--json"]
        code, out, err = run(command, "--scenario", str(file), *form)
        assert code in (0, 2), (key, value, err)
        if code == 2:
            assert out == "" and err.startswith(("error: ", "Usage: ", "Error: ")), (key, value, err)
            assert len(err.strip().splitlines()) <= 2, (key, value, err)
            refused += 1
    assert refused >= 10


@pytest.mark.parametrize("key", ["layout", "weights", "kv", "activations", "hardware", "set"])
def test_an_empty_list_is_refused_by_name(key: str, tmp_path: Path, run) -> None:
    words = {"model": '"llama-3.1-8b"', "hardware": '"h100-sxm"', key: "[]"}
    (tmp_path / "F.toml").write_text("".join(f"{name} = {text}\n" for name, text in words.items()), "utf-8")
    code, out, err = run("step", "--scenario", str(tmp_path / "F.toml"))
    assert (code, out) == (2, "") and f"F.toml: {key}: the list is empty" in err
