"""The page on how far off the bound and the estimate are is what the library says; and a comparison that sees."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
spec = importlib.util.spec_from_file_location("how_true", DOCS / "how_true.py")
assert spec is not None and spec.loader is not None
how_true = importlib.util.module_from_spec(spec)
spec.loader.exec_module(how_true)
OLD = (DOCS / "how-true.md").read_text("utf-8")


def test_the_page_is_what_the_library_says_now() -> None:
    """Else: `python docs/how_true.py`."""
    assert how_true.differences(OLD, how_true.page()) == []


@pytest.mark.parametrize(("was", "now", "same"), [
    ("| dense | 9.4 % |", "| dense | 9.5 % |", True), ("| dense | 9.4 % |", "| dense | 7.4 % |", False),
    ("| dense | 439 |", "| dense | 440 |", False), ("| 0.04 |", "| 0.05 |", True), ("| 0.81 |", "| 0.86 |", False),
    ("| 6.2e-06 |", "| 6.1e-06 |", True), ("| 6.2e-06 |", "| 6.2e-05 |", False), ("(-0.82)", "(-0.81)", True),
    ("(-0.82)", "(0.82)", False), ("SIL-0763 (57 %)", "SIL-0763 (58 %)", True), ("SIL-0763", "SIL-0764", False),
    ("sglang 0.5.9, 3 rows", "sglang 0.5.10, 3 rows", False), ("| a | 1 |", "| b | 1 |", False),
])  # fmt: skip
def test_figures_may_differ_by_rounding_and_nothing_else_may(was: str, now: str, same: bool) -> None:
    assert (how_true.differences(was, now) == []) == same


def test_a_line_more_is_a_difference() -> None:
    assert how_true.differences("one\ntwo", "one\ntwo\nthree") != []
    assert how_true.differences(OLD, OLD) == []


def test_figures_have_two_digits() -> None:
    assert [how_true.percent(share) for share in (0.0941, 0.2449, 1.356, 0.1)] == ["9.4 %", "24 %", "140 %", "10 %"]


def test_errors_left_out_come_before_those_of_the_fit() -> None:
    """The page states no error of a fit alone; and the fit does better on its own rows, which is why."""
    found = {"median": 0.1, "p90": 0.2, "rows": 3, "bias": 0.0}
    lines = how_true.pairs({"a|b": {"left_out": found, "fitted": {**found, "median": 0.05}}}, "rows")
    assert lines[2] == "| a, b | 3 | 10 % | 20 % | 1.00 | 5 % | 20 % |"
