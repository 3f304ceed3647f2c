"""A KV cache held for a time that somebody asks for: by hand, on the envelope, and as it is shown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import steptime as st

ASKED = ("solve", "cache", "llama-3.1-8b", "h100-sxm", "--context", "32k")


def kept(hold, **words):
    return st.cache("llama-3.1-8b", "h100-sxm", context=32_000, hold=hold, **words)


def test_twenty_minutes_in_ddr_by_hand() -> None:
    """Per token: bytes over the link while the chip waits; bytes of DDR for their share of its life, and all of it for
    as long as they are read out."""
    found, chip = kept("20min").to_dict(), 3.49 / 3600
    kv_bytes = 2 * 32 * 8 * 128 * 2
    ddr = next(one for one in found["choices"] if one["name"] == "ddr")
    byte_second = 3e-9 / 1.5768e8
    back = chip * kv_bytes / 55.4e9 + byte_second * kv_bytes * ddr["drain_time"]
    assert ddr["fixed"] == pytest.approx(back, rel=1e-12)
    assert found["held"]["costs"]["ddr"] == pytest.approx(back + 1200 * kv_bytes * byte_second, rel=1e-12)
    assert found["held"]["hold_time"] == 1200 and found["held"]["choice"] == "ddr"


@settings(max_examples=30, deadline=None)
@given(hold=some.floats(0, 1e8))
def test_the_cheapest_is_that_of_the_envelope_and_first(hold: float) -> None:
    found = kept(hold)
    costs = list(found.held.values())
    assert costs == sorted(costs) and set(found.held) == {one.name for one in found.answer.choices}
    assert min(costs) == pytest.approx(found.answer.at(hold).cost(hold), rel=1e-12)
    assert found.at(hold) == next(iter(found.held)) or costs[0] == pytest.approx(costs[1])


def test_what_is_too_slow_is_not_asked() -> None:
    assert set(kept("1h", limits=["restore_time<=100ms"]).held) == {"hbm", "ddr"}
    assert kept(None).held == {} and kept(None).to_dict()["held"] is None


def test_the_screen_answers_first_and_keeps_every_column(run, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        code, out, _ = run(*ASKED, "--hold", "20min")
        assert code == 0 and "held 20 min: ddr is the cheapest: $0.00529 a million tokens, $0.000169" in out
        assert "left out for want of width" not in out and max(map(len, out.splitlines())) <= width
        heading = next(line for line in out.splitlines() if "drain" in line)
        assert heading.split() == ["bring", "back", "an", "hour", "drain", "back", "in", "cheapest", "if", "held"]
        assert "drain: to read once all that a place holds" in out


def test_limits_of_what_it_costs(run_json) -> None:
    found = run_json(*ASKED, "--hold", "20min", "--range", "chip_hour_price=3.49..6.98")
    asked = found["ranges"]["outputs"]["held as long as asked"]
    assert asked["low"] == pytest.approx(found["held"]["costs"]["ddr"], rel=1e-9) and asked["high"] > asked["low"]


@pytest.mark.parametrize(("hold", "message"), [("x", "--hold: 'x' is not a number"), ("-1s", "--hold: '-1s'"),
                                               ("5 apples", "--hold: '5 apples' has no known unit")])  # fmt: skip
def test_what_is_no_time_is_said_of_the_option(run, hold: str, message: str) -> None:
    code, _, err = run(*ASKED, "--hold", hold)
    assert code == 2 and message in err and err.count("\n") == 1


def test_the_picture_marks_it() -> None:
    (edge,) = kept("20min").chart().edges
    assert edge.name == "held 20 min: ddr" and edge.x == 1200.0 and not kept(None).chart().edges
