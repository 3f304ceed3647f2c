"""Several machines, layouts and formats side by side: each row is the step that stands alone, the verdict is theirs."""

import csv
import io
import re

import pytest

import steptime as st

MACHINES = ["gb200-nvl72", "h200-sxm", "b200-sxm"]


def test_each_is_the_step_alone(run_json) -> None:
    found = run_json("step", "deepseek-v3", *MACHINES, "--context", "32k", "--basis", "ownership")["machines"]
    assert [one["hardware"] for one in found] == MACHINES
    for one in found:
        alone = run_json("step", "deepseek-v3", one["hardware"], "--context", "32k", "--basis", "ownership")
        assert one == alone
    assert st.side_by_side("deepseek-v3", MACHINES, context="32k", basis="ownership").to_dict()["machines"] == found


def test_layouts_and_formats_multiply(run_json) -> None:
    asked = ("--layout", "tp=8", "--layout", "tp=4,dp=2", "--weights", "fp8", "--weights", "bf16")
    found = run_json("step", "llama-3.1-70b", "h200-sxm", *asked)["machines"]
    assert [(one["layout"]["tp"], one["precision"]["weights"]) for one in found] == [
        (8, "fp8"), (8, "bf16"), (4, "fp8"), (4, "bf16")]  # fmt: skip
    one = run_json("step", "llama-3.1-70b", "h200-sxm", "--layout", "tp=4,dp=2", "--weights", "fp8")
    assert found[2] == one and "machines" not in one


def test_dollars_are_of_one_kind_where_there_is_one(run_json) -> None:
    found = run_json("step", "llama-3.1-70b", "gb200-nvl72", "b200-sxm")["machines"]
    assert {one["price_basis"] for one in found} == {"rent"}
    alone = [run_json("step", "llama-3.1-70b", name)["price_basis"] for name in ("gb200-nvl72", "b200-sxm")]
    assert alone == ["estimate", "list"]


def test_the_verdict_is_of_those_that_fit() -> None:
    found = st.side_by_side("llama-3.1-70b", "h200-sxm", layout=["tp=1", "tp=8", "tp=2"], context="16k")
    assert [step.fits for step in found] == [False, True, False]
    assert "fastest" not in str(found)
    both = st.side_by_side("llama-3.1-70b", "h200-sxm", layout=["tp=8", "tp=4", "tp=1"])
    there = [step for step in both if step.fits]
    fastest = min(there, key=lambda step: step.estimate.step_time)
    cheapest = min(there, key=lambda step: step.to_dict()["estimate"]["dollars_per_million_tokens"])
    said = str(both)
    assert f"fastest: h200-sxm tp={fastest.layout.tp}," in said
    assert f"cheapest: h200-sxm tp={cheapest.layout.tp}," in said
    assert len(both) == 3 and "NO" in said


def test_a_row_has_all_in_80_columns(run) -> None:
    out = run("step", "deepseek-v3", *MACHINES)[1]
    heading = next(line for line in out.splitlines() if line.startswith("on "))
    assert heading.split() == ["on", "bound", "about", "binds", "tokens/s", "$/M", "W", "fits", "most"]
    assert "left out" not in out and max(map(len, out.splitlines())) <= 80
    assert "9.6 kW" in out and re.search(r"\$\d\.\d\d", out)


def test_csv_has_a_row_a_step(run) -> None:
    code, out, err = run("step", "llama-3.1-8b", "h100-sxm", "tpu7x", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert (code, err) == (0, "") and [row["hardware"] for row in rows] == ["h100-sxm", "tpu7x"]
    for row in rows:
        step = st.step("llama-3.1-8b", row["hardware"])
        assert float(row["step_time"]) == step.time and row["fits"] == "True"
        assert float(row["estimate"]) == step.estimate.step_time
    assert rows[1]["dollars_per_million_tokens"] == ""


@pytest.mark.parametrize(("arguments", "said"), [
    (("h100-sxm", "h200-sxm", "--measured", "20ms"), "--measured is of one step"),
    (("h100-sxm", "--layout", "tp=8", "--layout", "tp=4", "--range", "context=1k..2k"), "--range is of one step"),
    (("h100-sxm", "h200-sxm", "--json", "--csv"), "two forms of the answer"),
    (("a100-sxm-80gb", "h200-sxm", "--activations", "fp8"), "a100-sxm-80gb: "),
    (("h100-sxm", "h300"), "unknown hardware 'h300'"),
    (("h100-sxm", *(word for tp in range(1, 67) for word in ("--layout", f"tp={tp}"))), "more than 64"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_what_cannot_stand_side_by_side_is_one_line(run, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run("step", "llama-3.1-70b", *arguments)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1


def test_one_list_of_one_is_one() -> None:
    found = st.side_by_side("llama-3.1-8b", ["h100-sxm", "h100"], layout="tp=2")
    assert len(found) == 1 and found.steps[0].time == st.step("llama-3.1-8b", "h100-sxm", layout="tp=2").time
    with pytest.raises(st.UserError, match="at least one"):
        st.side_by_side("llama-3.1-8b", [])
