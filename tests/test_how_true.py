"""The page on how far off the bound and the estimate are is what the library says; and a comparison that sees."""

import importlib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(str(DOCS))
    how_true, text = (importlib.import_module(name) for name in ("how_true", "how_true_text"))
OLD = (DOCS / "how-true.md").read_text("utf-8")


def test_the_page_is_what_the_library_says_now() -> None:
    """Else: `python docs/how_true.py`."""
    assert how_true.differences(OLD, how_true.page()) == []


@pytest.mark.parametrize(("was", "now", "same"), [
    ("| dense | 9.4 % |", "| dense | 9.5 % |", True), ("| dense | 9.4 % |", "| dense | 7.4 % |", False),
    ("| dense | 20 % |", "| dense | 21 % |", True), ("| dense | 20 % |", "| dense | 23 % |", False),
    ("| dense | 439 |", "| dense | 440 |", False), ("| 0.04 |", "| 0.05 |", True), ("| 0.81 |", "| 0.86 |", False),
    ("| 6.2 µs |", "| 6.3 µs |", True), ("| 6.2 µs |", "| 6.6 µs |", False), ("| 35 µs |", "| 36 µs |", True),
    ("| 140 % |", "| 150 % |", True), ("| 140 % |", "| 160 % |", False), ("| 1.8 |", "| 1.9 |", True),
    ("9.9 %", "10 %", True), ("99 %", "100 %", True), ("(-0.82)", "(-0.81)", True),
    ("(-0.82)", "(0.82)", False), ("SIL-0763 (57 %)", "SIL-0763 (58 %)", True), ("SIL-0763", "SIL-0764", False),
    ("sglang 0.5.9, 3 rows", "sglang 0.5.10, 3 rows", False), ("| a | 1 |", "| b | 1 |", False),
])  # fmt: skip
def test_figures_may_differ_by_rounding_and_nothing_else_may(was: str, now: str, same: bool) -> None:
    assert (how_true.differences(was, now) == []) == same


def test_a_line_more_is_a_difference() -> None:
    assert how_true.differences("one\ntwo", "one\ntwo\nthree") != []
    assert how_true.differences(OLD, OLD) == []


def test_figures_have_two_digits() -> None:
    assert [text.percent(share) for share in (0.0941, 0.2449, 1.356, 0.1)] == ["9.4 %", "24 %", "140 %", "10 %"]
    assert [text.percent(share) for share in (0.09, 0.0996, 0.004)] == ["9.0 %", "10 %", "0.40 %"]
    assert [text.seconds(time) for time in (2e-6, 35.16e-6, 1.36e-4)] == ["2.0 µs", "35 µs", "140 µs"]


def test_errors_left_out_come_before_those_of_the_fit() -> None:
    """The page states no error of a fit alone; and the fit does better on its own rows, which is why."""
    found = {"median": 0.1, "p90": 0.2, "rows": 3, "bias": 0.0}
    lines = text.pairs({"a|b": {"left_out": found, "fitted": {**found, "median": 0.05}}}, "rows")
    assert lines[2] == "| a, b | 3 | 10 % | 20 % | 1.00 | 5.0 % | 20 % |"
