"""What is set by hand: refused where no formula of the step contains it, named where it changes nothing here."""

import pytest

import steptime as st


def notices(**words: object) -> list[str]:
    return [str(one) for one in st.step("llama-3.1-70b", "h100-sxm", **{"layout": "tp=8", **words}).case.notices]


@pytest.mark.parametrize(("words", "named"), [
    ({"scale_out_latency": "10us"}, "scale_out_latency"),  # one domain: nothing is sent between domains
    ({"scale_out_latency": 0}, "scale_out_latency"),
    ({"scale_out_bandwidth": "1GB/s"}, "scale_out_bandwidth"),
    ({"send_bytes": 1}, "send_bytes"),  # one stage: nothing is sent between stages
    ({"optimizer_bytes": 8}, None),
    ({"dispatch_bytes": 1}, "dispatch_bytes"),  # no experts
])  # fmt: skip
def test_what_changes_nothing_is_named(words: dict[str, object], named: str | None) -> None:
    if named is None:
        with pytest.raises(st.UserError, match="no formula of a decode step contains it"):
            notices(**words)
        return
    assert notices(**words) == [f"{named} has no effect here: nothing at this layout depends on it"]


@pytest.mark.parametrize("words", [
    {"scale_out_latency": "10us", "layout": "tp=8,cp=2"}, {"scale_up_latency": "10us"}, {"scale_up_latency": 0},
    {"memory_bandwidth": "3TB/s"}, {"memory_efficiency": 1}, {"send_bytes": 1, "layout": "tp=4,pp=2"},
    {"chip_hour_price": 2}, {"memory_capacity": "80GB"}, {"scale_up_domain": 16},
])  # fmt: skip
def test_what_acts_is_not(words: dict[str, object]) -> None:
    assert notices(**words) == []


def test_what_has_no_number_is_not_said_to_change_nothing() -> None:
    step = st.step("llama-3.1-70b", "apple-m3-ultra", layout="tp=2", chip_hour_price=2)  # no figure of its links
    assert step.dollars_per_million_tokens is None and not step.case.notices


def test_a_refusal_says_what_was_meant() -> None:
    with pytest.raises(st.UserError, match=r"`budget`: no formula of a decode step contains it"):
        notices(budget=4)
    with pytest.raises(st.UserError, match=r"`acceptance`: no formula of a decode step"):
        notices(acceptance=0.5)
    for name in ("served_tokens", "decode_efficiency"):  # how long to train, which no step of inference says
        with pytest.raises(st.UserError, match=f"`{name}`: no formula of a decode step"):
            notices(**{name: 0.5})
    with pytest.raises(st.UserError, match="did you mean memory_bandwidth"):
        notices(memory_bandwith=1e12)
