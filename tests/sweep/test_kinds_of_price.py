"""A sweep says what kind of dollars it compares, in the words in which steps side by side do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import steptime as st

BASE: dict[str, Any] = {"model": "llama-3.1-70b", "layout": "tp=8"}
KEEP = [{"best": "dollars_per_million_tokens"}]
MIXED = ["h200-sxm", "gb200-nvl72", "tpuv5p"]
NAMED = "dollars of different kinds do not compare: h200-sxm rent, gb200-nvl72 estimate, tpuv5p list"


def swept(hardware: Any, **more: Any) -> Any:
    return st.sweep({"base": {**BASE, "hardware": hardware, **more.pop("base", {})},
                     "over": {"batch": {"values": [16, 64]}}, "keep": KEEP, **more})  # fmt: skip


@pytest.mark.parametrize("hardware", [MIXED, MIXED[:2], MIXED[:1] * 2, ["gb200-nvl72", "b200-sxm"]])
def test_the_words_are_those_of_steps_side_by_side(hardware: list[str]) -> None:
    """Of one machine alone the kind is named; steps of one have no dollars to compare."""
    found, beside = swept(hardware), st.side_by_side("llama-3.1-70b", hardware, layout="tp=8")
    data, kinds = found.to_dict(), {step.to_dict()["price_basis"] for step in beside}
    assert data["price_basis"] == (kinds.pop() if len(kinds) == 1 else None)
    assert {(one["hardware"], one["basis"]) for one in data["prices"]} == {
        (step.case.hardware.name, step.to_dict()["price_basis"]) for step in beside}  # fmt: skip
    printed, said = " ".join(str(beside).split()), " ".join(str(found).split())
    for notice in data["notices"]:
        assert notice in said and (notice in printed or len(set(hardware)) == 1)
    assert data["notices"]


def test_prices_of_several_kinds_are_said_not_to_compare() -> None:
    """GB200 is named the best by an estimate of $3.20 beside a rent of $4 and a list price of $4.20."""
    data = swept(MIXED).to_dict()
    assert data["notices"] == [NAMED] and data["price_basis"] is None
    assert swept(MIXED, base={"chip_hour_price": 2}).to_dict()["notices"] == ["dollars are of one kind: set by hand"]


@pytest.mark.parametrize("more", [
    {"limits": ["dollars_per_million_tokens<=9"]}, {"keep": [{"front": ["step_time", "dollars_per_million_tokens"]}]},
    {"outputs": ["estimate.dollars_per_million_tokens"], "keep": [{"best": "step_time"}]},
], ids=["limit", "front", "output"])  # fmt: skip
def test_wherever_dollars_are_asked_for(more: dict[str, Any]) -> None:
    assert swept(MIXED, **{"keep": [{"best": "step_time"}], **more}).to_dict()["notices"] == [NAMED]


def test_without_dollars_nothing_is_said() -> None:
    data = swept(MIXED, keep=[{"best": "step_time"}]).to_dict()
    assert (data["notices"], data["prices"], data["price_basis"]) == ([], [], None)


def test_rows_with_dollars_say_of_which_kind_they_are(tmp_path: Path) -> None:
    outputs = ["step_time", "dollars_per_million_tokens"]
    found = st.sweep({"base": {**BASE, "hardware": MIXED}, "over": {"batch": {"values": [16]}}, "outputs": outputs},
                     out=tmp_path / "rows.csv")  # fmt: skip
    assert found.points == 3
    lines = [line for part in sorted((tmp_path / "rows.csv").glob("[!_]*.csv")) for line in part.read_text().split()]
    assert "price_basis" in lines[0] and {"rent", "estimate", "list"} <= set(",".join(lines).split(","))


def test_the_command_line_says_it_too(tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    spec = tmp_path / "s.toml"
    spec.write_text('[base]\nmodel="llama-3.1-70b"\nhardware=["h200-sxm","gb200-nvl72"]\nlayout="tp=8"\n'
                    '[over.batch]\nvalues=[16]\n[[keep]]\nbest="dollars_per_million_tokens"\n')  # fmt: skip
    code, out, _ = run("sweep", str(spec))
    assert code == 0 and "dollars are of one kind: ownership" in out
