"""Scenario files: what is saved is asked again; what is typed wins; a file is data and has a limit."""

import json
import tomllib
from pathlib import Path

import pytest

ASKED = ("step", "llama-3.1-8b", "h100-sxm", "--batch", "32", "--layout", "tp=2", "--weights", "fp8", "--set",
         "memory_bandwidth=3TB/s", "--efficiency", "ideal")  # fmt: skip


def test_what_is_saved_is_asked_again(run, run_json, tmp_path: Path) -> None:
    path = str(tmp_path / "asked.toml")
    first = run_json(*ASKED, "--save", path)
    saved = tomllib.loads(Path(path).read_text())
    assert saved == {"model": "llama-3.1-8b", "hardware": "h100-sxm", "batch": "32", "layout": "tp=2", "weights": "fp8",
                     "efficiency": "ideal", "memory_bandwidth": "3TB/s"}  # fmt: skip
    assert run_json("step", "--scenario", path) == first
    typed = run_json("step", "--scenario", path, "--batch", "1", "--set", "memory_bandwidth=2TB/s")
    assert (typed["batch"], typed["set"]) == (1, ["memory_bandwidth=2TB/s"]) and typed["layout"] == first["layout"]
    again = str(tmp_path / "again.toml")
    run_json("step", "--scenario", path, "--context", "8k", "--save", again)
    assert tomllib.loads(Path(again).read_text()) == {**saved, "context": "8k"}
    explained = run("explain", "--scenario", path, "--batch", "32")[1]
    assert "32 sequences" in explained and "h100-sxm" in explained


def test_several_machines_and_numbers_are_read(run_json, tmp_path: Path) -> None:
    path = tmp_path / "several.toml"
    path.write_text('model = "llama-3.1-8b"\nhardware = ["h100-sxm", "h200-sxm"]\nbatch = 16\ncontext = "2k"\n'
                    'layout = ["tp=1", "tp=2"]\nsequence_parallel = true\nefficiency = "ideal"\n')  # fmt: skip
    found = run_json("step", "--scenario", str(path))["machines"]
    assert [(one["hardware"], one["layout"]["tp"]) for one in found] == [
        ("h100-sxm", 1), ("h100-sxm", 2), ("h200-sxm", 1), ("h200-sxm", 2)]  # fmt: skip
    assert {one["batch"] for one in found} == {16} and {one["context"] for one in found} == {2000}


@pytest.mark.parametrize(("text", "said"), [
    ('model = "gpt2"\nhardware = "h100-sxm"\n[batch]\na = 1\n', "batch: expected a text"),
    ('model = "gpt2"\nhardware = "h100-sxm"\nbatch = [1, 2]\n', "batch: one value, no list"),
    ('model = "gpt2"\nhardware = "h100-sxm"\nbathc = 2\n', "argument 'bathc'; did you mean batch"),
    ('model = "gpt2"\nhardware = "h100-sxm"\nbathc = true\n', "bathc: no option of step"),
    ('model = "gpt2"\nhardware = "h100-sxm"\nphase = "sleep"\n', "'sleep' is not one of"),
    ('model = "gpt2"\n', "Missing argument 'HARDWARE"),
    ("model = gpt2\n", "not valid TOML"),
    (f'model = "gpt2"\nnote = "{"x" * 500_000}"\n', "over the limit"),
], ids=["table", "list", "quantity", "flag", "word", "missing", "no TOML", "huge"])  # fmt: skip
def test_a_file_that_is_wrong_is_one_line(run, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    code, out, err = run("step", "--scenario", str(path))
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1 and "Traceback" not in err


def test_nothing_is_saved_of_what_is_wrong(run, tmp_path: Path) -> None:
    path = tmp_path / "kept.toml"
    assert run("step", "gpt2", "h100-sxm", "--layout", "tp=5", "--save", str(path))[0] == 2
    assert not path.exists()
    assert run("step", "gpt2", "h100-sxm", "--save", str(tmp_path / "none" / "kept.toml"))[0] == 2


def test_odd_texts_survive(tmp_path: Path) -> None:
    from steptime.model.api.scenario_file import read_scenario, scenario_text

    words = {"model": 'a "quoted" \\ name\x7f\n', "hardware": ["é", "b"], "dropout": True, "batch": 3}
    path = tmp_path / "odd.toml"
    path.write_text(scenario_text(words), "utf-8")
    assert read_scenario(path) == words == json.loads(json.dumps(words))
