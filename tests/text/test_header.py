"""Every answer about one scenario begins alike in JSON, and says the same of itself in lines."""

import pytest

from steptime.model.step.inputs import Default, Missing, Notice
from steptime.model.text.header import missing_lines

KEYS = {"model", "hardware", "phase", "context", "layout", "precision", "overlap", "experts", "efficiency", "defaults",
        "set", "doubtful", "not_modelled", "notes"}  # fmt: skip
CASE = ("llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--set", "memory_bandwidth=3TB/s")
COMMANDS = {
    "step": ("step", *CASE),
    "crossover": ("solve", "crossover", *CASE, "--between", "memory,compute", "--over", "context"),
    "batch": ("solve", "batch", *CASE),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_one_header(name: str, run_json) -> None:
    found, usual = run_json(*COMMANDS[name]), run_json(*COMMANDS["step"])
    assert found.keys() >= KEYS
    own = {"defaults", "notes"}  # a solver chooses the batch, of which a step takes the default
    assert {key: found[key] for key in KEYS - own} == {key: usual[key] for key in KEYS - own}
    assert found["set"] == ["memory_bandwidth=3TB/s"]


@pytest.mark.parametrize("name", COMMANDS)
def test_what_was_set_can_be_set_again(name: str, run_json) -> None:
    found = run_json(*COMMANDS[name])
    bare = [part for part in COMMANDS[name] if part not in CASE[-2:]]
    again = run_json(*bare, *(part for one in found["set"] for part in ("--set", one)))
    assert again == found


def test_records_say_themselves_in_one_line() -> None:
    assert str(Default("batch", 64.0)) == "batch 64"
    assert str(Default("weights", "bf16", "the model states none")) == "weights bf16: the model states none"
    assert str(Notice("chunk", "chunk has no effect here")) == "chunk has no effect here"
    assert str(Missing("step_time", ("a.toml: width", "layers"))) == "a.toml: width, layers"


def test_what_is_missing_is_grouped_by_its_place() -> None:
    lines = missing_lines({"cost": "f.toml: price", "energy": "f.toml: power", "total": "f.toml: price"})
    assert [line.plain for line in lines] == [
        "missing: f.toml: price; `price`=… would supply it; so there is no cost, total",
        "missing: f.toml: power; `power`=… would supply it; so there is no energy",
    ]
