"""Rates and shares as people write them."""

import pytest
import sympy

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.parse import parse, parse_quantity
from steptime.model.quantity import byte, count, dollar, lookup, second


@pytest.mark.parametrize(("text", "rate"), [
    ("12 1/s", 12.0), ("12/s", 12.0), ("12 tokens/s", 12.0), ("1 token/s", 1.0), ("3k requests/s", 3000.0),
    ("30 requests/min", 0.5), ("1 request/h", 1 / 3600), ("7 sequences/s", 7.0), ("2 sequence/s", 2.0),
])  # fmt: skip
def test_a_rate_counts_tokens_requests_or_sequences(text: str, rate: float) -> None:
    assert parse(text, 1 / second, "rate") == pytest.approx(rate)


@pytest.mark.parametrize(("text", "unit"), [
    ("12 1/s", count), ("12 requests/s", byte / second), ("12 requests", count), ("12 k1/s", 1 / second),
    ("12 s/requests", second), ("12 1", count),
])  # fmt: skip
def test_what_is_no_rate_is_refused(text: str, unit: sympy.Expr) -> None:
    with pytest.raises(UserError, match=r"^rate: "):
        parse(text, unit, "rate")


@pytest.mark.parametrize(("name", "text", "share"), [
    ("usable_memory", "90%", 0.9), ("usable_memory", " 100 % ", 1.0), ("memory_efficiency", "62.5%", 0.625),
])  # fmt: skip
def test_a_share_may_be_in_per_cent(name: str, text: str, share: float) -> None:
    assert parse_quantity(lookup(name), text) == pytest.approx(share)


@pytest.mark.parametrize(("name", "text"), [
    ("usable_memory", "101%"), ("usable_memory", "0.1%"), ("usable_memory", "%"), ("usable_memory", "9 tokens%"),
    ("batch", "50%"), ("decode_efficiency", "-5%"), ("weight_passes", "50%"), ("memory_capacity", "90%"),
])  # fmt: skip
def test_what_is_no_share_or_not_within_one_is_refused(name: str, text: str) -> None:
    with pytest.raises(UserError, match=f"^{name}: "):
        parse_quantity(lookup(name), text)


def test_gradients_may_take_no_bytes_and_weights_may_not() -> None:
    assert parse_quantity(lookup(q.gradient_bytes.name), 0) == parse_quantity(lookup("gradient_bytes"), "0") == 0.0
    with pytest.raises(UserError, match="must be positive"):
        parse_quantity(lookup("bytes_per_weight"), 0)


@pytest.mark.parametrize(("text", "amount"), [
    ("3e6", 3e6), ("400k", 4e5), ("$3M", 3e6), ("3 M$", 3e6), ("$ 2.5", 2.5), ("1.20 $", 1.2),
])  # fmt: skip
def test_dollars_are_written_in_many_ways(text: str, amount: float) -> None:
    assert parse(text, dollar, "budget") == pytest.approx(amount)


@pytest.mark.parametrize("text", ["+1TB/s", " +2e12"])
def test_an_amount_is_whole_and_not_what_is_added(text: str) -> None:
    with pytest.raises(UserError, match="state the whole amount"):
        parse(text, byte / second, "memory_bandwidth")


@pytest.mark.parametrize("text", ["400k tokens", "$", "$$3", "400 kB"])
def test_what_is_no_amount_of_dollars_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^budget: "):
        parse(text, dollar, "budget")
