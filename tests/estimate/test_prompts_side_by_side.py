"""Prompts that ride along in a step in flight: how many run together, on which ranks, and copied to experts how."""

import pytest

import steptime as st
from steptime.model.text.omitted import not_modelled

PROMPT, OUTPUT = 8000, 500
HELD_BACK = "a rank's prompt while others have none: in the estimate they are held back until all have one"


def in_flight(model: str, layout: str, batch: int) -> st.Step:
    return st.step(model, "h100-sxm", weights="fp8", layout=layout, batch=batch, prompt=PROMPT, output=OUTPUT,
                   context=PROMPT, scope="serving")  # fmt: skip


@pytest.mark.parametrize("batch", [64, 66])
def test_ranks_that_wait_for_none_are_replicas(batch: int) -> None:
    """Dense blocks split by tp alone: four ranks of a replica share nothing, as four replicas; two ways to say one
    thing."""
    ranks, replicas = (in_flight("llama-3.1-70b", f"tp=2,{four}=4", batch) for four in ("dp", "replicas"))
    assert ranks.time == pytest.approx(replicas.time, rel=1e-12)
    assert ranks.estimate.step_time == pytest.approx(replicas.estimate.step_time, rel=1e-12)
    assert ranks.estimate.terms == pytest.approx(replicas.estimate.terms, rel=1e-12)


@pytest.mark.parametrize(("batch", "together"), [(64, 8), (8, 8), (3, 3)])
@pytest.mark.parametrize("copies", ["per-domain", "per-expert"])
def test_ranks_that_wait_for_each_other_take_prompts_side_by_side(batch: int, together: int, copies: str) -> None:
    """Each sequence that ends brings a prompt, but for a request's own: (c - 1)/(T - 1) a step. As many run together as
    there are ranks, or sequences: one prefill of them, of this length bound by its products, takes what it takes
    alone."""
    layout = f"tp=2,dp=8,ep=16,copies={copies}"
    alone = st.step("deepseek-v3", "h100-sxm", weights="fp8", layout=layout, phase="prefill", prompt=PROMPT,
                    batch=together)  # fmt: skip
    expected = (batch - 1) / (OUTPUT - 1) / together * sum(alone.estimate.terms.values())
    assert in_flight("deepseek-v3", layout, batch).estimate.terms["prefills"] == pytest.approx(expected, rel=1e-9)


def test_that_they_are_held_back_is_said_where_ranks_wait() -> None:
    """A server that holds no prompts back lets ranks idle while one works."""
    assert HELD_BACK in not_modelled(in_flight("deepseek-v3", "tp=2,dp=8,ep=16", 64).case)
    assert HELD_BACK not in not_modelled(in_flight("llama-3.1-70b", "tp=2,dp=4", 64).case)
    assert HELD_BACK not in not_modelled(in_flight("deepseek-v3", "tp=16,ep=16", 64).case)
