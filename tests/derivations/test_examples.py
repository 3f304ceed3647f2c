"""Numbers that are no case of the theorem that they are to show are found, with what is wrong with them."""

from dataclasses import replace

import pytest
from sympy import Symbol

from steptime.derivations.examples import astray
from steptime.derivations.library import find
from steptime.model import symbols as q
from steptime.model.quantity import declared_as

ASTRAY = {
    "compute binds, and memory takes longer": ("compute-cost", {q.micro_batch: 64.0}, "is not so"),
    "memory binds, and compute takes longer": ("memory-cost", {q.context: 1.0, q.micro_batch: 1e6}, "is not so"),
    "a pass that computes, and memory takes longer": ("pass-compute-cost", {q.pass_tokens: 1.0}, "is not so"),
    "terms that meet, far apart": ("crossover-elasticity", {q.memory_bandwidth: 1e12}, "is not so"),
    "a step that a budget does not buy": ("balanced-memory-time", {q.step_time: 1.0}, "step_time = "),
    "a speed-up that the two steps do not have": ("price-of-speed", {q.step_time: 1.0}, "usual_step_time/step_time"),
    "outside the region": ("memory-cost-floor", {q.context: 10.0}, "context*kv_bytes*peak_flops >="),
}


@pytest.mark.parametrize("name", ASTRAY)
def test_found(name: str) -> None:
    known, changed, said = ASTRAY[name]
    one = find(known)
    numbers: dict[Symbol, float] = {**one.numbers, **changed}
    assert all(declared_as(symbol) is not None for symbol in changed) and not astray(one)
    found = astray(replace(one, example=lambda: numbers))
    assert any(said in str(broken) for broken in found), found
