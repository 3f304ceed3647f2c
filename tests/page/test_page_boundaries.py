"""Lines between what binds are where two terms are equal; a page says where no estimate follows its controls."""

import shutil

import pytest
from pages import node

import steptime as st
from steptime.model import symbols as q
from steptime.model.page.document import scripts
from steptime.model.page.payload import payload_of

LARGEST = 1_500_000
LINES = """
const state = beginning(), numbers = numbersOf(state), one = answer(state);
const terms = meanTerms(state, one.kind, numbers), [over, length] = page.axes;
const [across, up] = [acrossOf(over), acrossOf(length)];
const middles = (low, high, steps) =>
  spaced(low, high, steps).slice(0, -1).map((value) => value * (high / low) ** (0.5 / steps));
const [xs, ys] = [middles(across.low, across.high, ACROSS), middles(up.low, up.high, UP)];
const at = (batch, tokens) => TERMS.indexOf(bindingOf(terms(batch, tokens)));
const largest = ys.map((tokens) => xs.map((batch) => at(batch, tokens)));
console.log(JSON.stringify({ lines: boundaries(xs, ys, largest, at), cells: largest.flat() }));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize(("model", "machine", "layout"), [
    ("gpt-oss-120b", "gb200-nvl72", "tp=1"), ("llama-3.1-70b", "h100-sxm", "tp=8"),
    ("deepseek-v3", "h200-sxm", "dp=16,ep=16"),
])  # fmt: skip
def test_at_every_end_of_a_line_the_two_largest_terms_are_equal(model: str, machine: str, layout: str) -> None:
    step = st.step(model, machine, layout=layout)
    found = node(scripts(payload_of(step.case), ("model.js", "state.js", "charts.js", "figures.js")) + LINES)
    assert (len(found["lines"]) > 10) == (len(set(found["cells"])) > 1)
    case = step.case.relaxed
    for ends in found["lines"]:
        for batch, context in ends:
            times = sorted(case.changed({q.batch: batch, q.context: context}).times.values())
            assert times[-2] == pytest.approx(times[-1], rel=1e-3)


def test_a_page_says_why_no_estimate_follows_its_controls() -> None:
    step = st.step("gpt2", "l4", efficiency="ideal")
    page = step.report()
    assert '<p id="not-live" role="note">No estimate here: the bound alone was asked for.' in page
    assert page.index('id="not-live"') < page.index('<div id="forms">')
    assert not [row for row in payload_of(step.case).data["rows"] if row["group"] == "in practice"]
    assert 'id="not-live"' not in st.step("gpt2", "h100-sxm").report()


def test_of_in_flight_batching_an_estimate_follows_them() -> None:
    """A page as large as they come: experts, two passes, each in two ways."""
    step = st.step("deepseek-v3", "gb200-nvl72", scope="serving", prompt=2000, output=200)
    page = step.report()
    assert 'id="not-live"' not in page and len(page.encode()) <= LARGEST
    assert f"about {1e3 * step.estimate.step_time:.4g} ms in practice" in page
    assert [row for row in payload_of(step.case).data["rows"] if row["key"] == "estimate"]
