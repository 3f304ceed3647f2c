"""The example of answers to compare: two rules of thumb, each value of which follows from its rule."""

import csv

import pytest

import steptime as st
from steptime.model.catalog.examples import FOLDER, TOOLS, examples

ROWS = list(csv.DictReader((FOLDER / "compare" / "rules-of-thumb.csv").open(encoding="utf-8")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['tool']}: {row['case']}")
def test_every_answer_is_what_its_rule_says(row) -> None:
    step = st.step(row["model"], row["hardware"], layout=f"tp={row['tp']}")
    share = {"weights": 1.0, "weights-at-60%": 0.6}[row["tool"]]
    read = 2 * step.quantities["parameters"] / (int(row["chips"]) * step.quantities["memory_bandwidth"])
    assert float(row["value"]) == pytest.approx(1e3 * read / share, rel=1e-5) and row["unit"] == "ms"


def test_it_is_asked_for_by_name_and_every_row_is_used(run_json) -> None:
    assert examples(TOOLS) == ["rules-of-thumb"]
    found = run_json("compare", "rules-of-thumb")
    assert found["tools"] == st.compare(FOLDER / "compare" / "rules-of-thumb.csv").to_dict()["tools"]
    assert [one["name"] for one in found["tools"]] == ["weights", "weights-at-60%"]


def test_a_name_that_is_none_is_said(run) -> None:
    code, _, err = run("compare", "rules")
    assert code == 2 and "did you mean rules-of-thumb?" in err
