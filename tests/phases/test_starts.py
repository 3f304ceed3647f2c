"""Start-ups: whatever moves bytes over a tier is started there, and what moves none is not."""

from functools import partial

import drawn
import pytest
from conftest import case_of
from hypothesis import given, settings
from hypothesis import strategies as st

from steptime.model import symbols as q
from steptime.model.step.case import Case

LEAST = 1e-6
"""Bytes below which a difference of two equal sums is rounding."""

MODELS = ("deepseek-v3", "deepseek-v2-lite", "mixtral-8x7b", "qwen3-next-80b-a3b", "llama-3.1-70b", "gemma-3-27b")
PHASES = st.sampled_from([
    {"phase": "decode", "context": "3000"}, {"phase": "prefill", "prompt": "5000"},
    {"phase": "prefill", "prompt": "5000", "cached": "900", "chunk": "600"},
    {"scope": "serving", "prompt": "4000", "output": "40"}, {"sets": ("drafts=3", "acceptance=0.5")},
    *({"phase": "train", "zero": zero, "recompute": again, "sequence_parallel": shared}
      for zero in (0, 1, 2, 3) for again in ("none", "full") for shared in (True, False)),
])  # fmt: skip
MACHINES = ("h100-sxm", "a100-sxm-80gb", "gb200-nvl72", "tpuv5p")
WAYS = st.sampled_from(["", ",ffn=all", ",copies=per-expert", ",copies=per-domain"])
few = st.sampled_from([1, 1, 2, 3, 4, 8])


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """Any layout that the heads allow: domains filled, half filled, straddled; experts spread, sliced, or neither."""
    tp, cp, dp = draw(st.sampled_from([1, 2, 4, 8, 16])), draw(few), draw(few)
    ep = draw(st.sampled_from([n for n in range(1, tp * cp * dp + 1) if tp * cp * dp % n == 0]))
    pp, replicas = draw(st.sampled_from([1, 2, 3])), draw(st.sampled_from([1, 2]))
    return f"tp={tp},cp={cp},dp={dp},ep={ep},pp={pp},replicas={replicas}{draw(WAYS)}"


def tiers(case: Case) -> list[tuple[str, str, float, float]]:
    """Every line and tier with its bytes and starts."""
    found = []
    for line in case.operations:
        moved = line.traffic
        pairs = {"up": (moved.scale_up, moved.scale_up_starts), "out": (moved.scale_out, moved.scale_out_starts)}
        found += [(line.name, tier, case.number(sent), case.number(starts)) for tier, (sent, starts) in pairs.items()]
    return found


@settings(max_examples=150)
@given(st.sampled_from(MODELS), st.sampled_from(MACHINES), layouts(), PHASES)
def test_a_collective_starts_on_a_tier_where_it_sends_bytes_and_nowhere_else(model, hardware, layout, phase) -> None:
    possible = partial(drawn.possible, impossible=(*drawn.IMPOSSIBLE, "has no peak"))
    options = {"batch": "144", **phase}
    sets = ("scale_out_bandwidth=50e9", *options.pop("sets", ()))
    case = possible({"model": model, "hardware": hardware, "layout": layout, "sets": sets, **options})
    for name, tier, sent, starts in tiers(case):
        assert (starts > 0) == (sent > LEAST), f"{name}, scale-{tier}: {sent:g} B in {starts:g} starts"


@pytest.mark.parametrize(("model", "layout", "up", "out"), [
    pytest.param("deepseek-v3", "tp=8", 122, 0, id="61 layers, two sums each; one group holds every expert"),
    pytest.param("deepseek-v3", "tp=8,ep=8", 122, 0, id="the same with whole experts: tokens are there already"),
    pytest.param("deepseek-v3", "tp=8,dp=1,ffn=all", 122, 0, id="and with dense blocks over the stage, which is tp"),
    pytest.param("deepseek-v3", "dp=8,ep=8", 116, 0, id="58 layers send tokens out and back, no sums"),
    pytest.param("llama-3.1-70b", "tp=16,ffn=all", 320, 160,
                 id="160 sums: scatter and gather inside, one swap across; dense blocks have nothing to gather"),
    pytest.param("llama-3.1-70b", "tp=8,cp=2,ffn=all", 320, 320,
                 id="80 layers: 160 sums, 80 gathers and 80 scatters of two domains on both tiers, 160 exchanges"),
    pytest.param("qwen3-next-80b-a3b", "tp=2,cp=2,ep=4", 96 + 24 + 96, 0,
                 id="48 layers: 96 sums, 2 exchanges of contexts in the 12 that have queries, experts out and back"),
])  # fmt: skip
def test_start_ups_by_hand(model: str, layout: str, up: float, out: float) -> None:
    """On H100, whose switch adds: a sum of one domain is one start."""
    case = case_of(model, "h100-sxm", layout=layout)
    assert (case.number(q.scale_up_starts), case.number(q.scale_out_starts)) == (up, out)
