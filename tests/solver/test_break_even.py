"""Where two machines cost the same: against best batches solved for alone, and steps built for it."""

import numpy as np
import pytest

import steptime as st
from steptime.model.errors import UserError
from steptime.model.quantity import lookup
from steptime.model.scenario import Scenario
from steptime.model.solver.best_cost import Machine

A, B = "h200-sxm", "h100-sxm"


def cost(machine: str, model: str, in_practice: bool = False, **words) -> float:
    """Dollars per token at the best batch, as it is solved for alone, at the layout of the usual context."""
    layout = st.step(model, machine, efficiency=words.pop("efficiency", "calibrated")).layout
    step = st.step(model, machine, **{"basis": "rent", "layout": layout, **words})
    if not in_practice:
        return step.best_batch(minimise="cost", efficiency="ideal").cost
    found = step.best_batch(minimise="cost", max_step_time="1000s")  # a limit that binds nowhere: of the estimate
    assert found.limits_hold_for == "estimate"
    return found.answer.solution.cost


@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-v3"])
def test_at_the_context_found_both_cost_the_same(model: str) -> None:
    ideal = {"efficiency": "ideal"}  # of the layouts that are the best at the bound
    found = st.crossover_of(model, A, B, over="context", **ideal)
    assert found.formula is None and found.value is not None
    assert len(found.values) == 1
    below, above = int(found.value), int(found.value) + 1  # contexts are whole: the machines change places between them
    costs = {at: [cost(machine, model, context=at, **ideal) for machine in (A, B)] for at in (below, above)}
    assert found.cheaper == tuple((A, B)[int(costs[context][0] > costs[context][1])] for context in (below, above))
    assert found.cheaper[0] != found.cheaper[1]
    assert costs[below] == pytest.approx([found.answer.bound.sides[0].cost / 1e6] * 2, rel=0.02)


@pytest.mark.parametrize("in_practice", [False, True])
@pytest.mark.parametrize("over", ["chip_hour_price", "memory_bandwidth", "memory_capacity"])
def test_what_is_a_machine_s_is_changed_on_the_first_alone(over: str, in_practice: bool) -> None:
    found = st.crossover_of("llama-3.1-70b", A, B, over=over)
    value = found.estimate.value if in_practice else found.value
    costs = cost(A, "llama-3.1-70b", in_practice, **{over: value}), cost(B, "llama-3.1-70b", in_practice)
    assert costs[0] == pytest.approx(costs[1], rel=1e-6)


def test_the_price_is_the_break_even_ratio() -> None:
    found = st.crossover_of("llama-3.1-70b", A, B, over="chip_hour_price")
    numbers = {lookup(name).symbol: value for name, value in found.to_dict()["quantities"].items()}
    assert float(Scenario(numbers).evaluate(found.formula.rhs)) == pytest.approx(found.value, rel=1e-9)
    one, other = found.answer.bound.sides
    assert found.value / other.price == pytest.approx(one.rate / other.rate, rel=1e-9)
    assert found.cheaper == (A, B) and found.estimate.cheaper == (A, B)
    twice = st.crossover_of("llama-3.1-70b", A, B, over="chip_hour_price", chip_hour_price=99.0)
    assert twice.value == pytest.approx(found.value) and twice.answer.present == 99.0


def test_prices_are_of_a_basis_that_both_have() -> None:
    """Of GB200 an estimate stands first, of H100 a rent: those are not compared."""
    first = [st.step("llama-3.1-70b", machine).price_basis for machine in ("gb200-nvl72", B)]
    found = st.crossover_of("llama-3.1-70b", "gb200-nvl72", B).to_dict()["machines"]
    assert first[0] != first[1] and {one["price_basis"] for one in found} == {"ownership"}
    stated = st.crossover_of("llama-3.1-70b", "gb200-nvl72", B, basis="rent").to_dict()["machines"]
    assert {one["price_basis"] for one in stated} == {"rent"}


def test_turned_round_it_is_the_same_context_and_the_other_is_cheaper() -> None:
    one, other = st.crossover_of("llama-3.1-70b", A, B), st.crossover_of("llama-3.1-70b", B, A)
    assert one.value == pytest.approx(other.value) and one.cheaper == other.cheaper


def test_a_batch_that_is_stated_holds_for_both() -> None:
    found = st.crossover_of("llama-3.1-70b", A, B, over="chip_hour_price", batch=16)
    steps = [st.step("llama-3.1-70b", machine, batch=16) for machine in (A, B)]
    rates = [step.tokens_per_second / step.layout.chips for step in steps]
    assert found.value / found.answer.second.hardware.figures["chip_hour_price"].value == \
        pytest.approx(rates[0] / rates[1], rel=1e-9)  # fmt: skip
    assert [side.batch for side in found.answer.bound.sides] == [16, 16]


def test_over_the_batch_both_are_at_it() -> None:
    """A chip of many FLOP/s at a high price pays at a large batch; where there is no room is said."""
    found = st.crossover_of("llama-3.1-8b", A, B, over="batch", context=100)
    assert found.to_dict()["batch_held"] and found.value is not None
    for batch, cheap in zip((int(found.value), int(found.value) + 1), found.cheaper, strict=True):
        costs = {machine: st.step("llama-3.1-8b", machine, batch=batch, context=100).dollars_per_million_tokens
                 for machine in (A, B)}  # fmt: skip
        assert min(costs, key=costs.get) == cheap


def test_the_least_cost_is_at_the_largest_batch_for_which_there_is_room() -> None:
    """Halving finds what the solver does, for many contexts at once; beyond the last one there is room for none."""
    case = st.step("deepseek-v3", A).case
    contexts = np.array([10.0, 1000.0, 4097.0, 30_000.0, 200_000.0])
    every = Machine(case, lookup("context").symbol, False, None)
    seconds, batches = every.chip_seconds(contexts), every.batches(contexts)
    layout = st.step("deepseek-v3", A).layout
    for context, second, batch in zip(contexts, seconds, batches, strict=True):
        alone = st.step("deepseek-v3", A, layout=layout, context=context)
        found = alone.best_batch(minimise="chip-seconds", efficiency="ideal")
        assert found.cost == pytest.approx(second, rel=1e-7) and found.batch <= batch * (1 + 1e-9)
    assert np.isnan(every.batches(np.array([1e8])))


@pytest.mark.parametrize(("words", "over"), [
    ({"phase": "prefill", "prompt": 2000}, "prompt"), ({"phase": "train", "layout": "tp=8,dp=2"}, "sequence"),
    ({"scope": "serving", "output": 300, "prompt": 1000}, "prompt"),
    ({"scope": "serving", "output": 300, "prompt": 1000, "context": 1100}, "context"),
    ({"drafts": 2, "acceptance": 0.7}, "context"), ({"overlap": "none"}, "context"),
], ids=["prefill", "train", "serving", "serving, context stated", "drafts", "no overlap"])  # fmt: skip
def test_other_passes_are_varied_by_their_own_length(words: dict, over: str) -> None:
    """Whatever is found was solved for again, as the best batch of each alone is, by the bound and by the estimate."""
    found = st.crossover_of("llama-3.1-8b", B, A, **words)
    assert found.answer.over.name == over
    for meeting in (found.answer.bound, found.estimate):
        one, other = meeting.sides
        if meeting.value is not None:
            assert one.cost == pytest.approx(other.cost, rel=1e-6)
    step = st.step("llama-3.1-8b", A, **words)
    alone = step.best_batch(minimise="chip-seconds", efficiency="ideal")
    price = st.crossover_of("llama-3.1-8b", B, A, over="chip_hour_price", **words).answer.bound.sides[1]
    assert 1 / price.rate == pytest.approx(alone.cost, rel=1e-6)


def test_where_no_batch_attains_the_least_cost_that_is_said() -> None:
    found = st.crossover_of("llama-3.1-8b", B, A, phase="train", layout="tp=8,dp=2")
    assert any(side.batch is None for side in found.estimate.sides)
    assert "tends to as the batch grows" in " ".join(str(found).split())


def test_without_an_estimate_there_is_the_bound_alone() -> None:
    found = st.crossover_of("llama-3.1-70b", A, B, efficiency="ideal")
    assert found.estimate is None and found.value is not None
    assert found.value == pytest.approx(st.crossover_of("llama-3.1-70b", A, B).value)


def test_an_estimate_is_never_cheaper_than_its_bound() -> None:
    found = st.crossover_of("llama-3.1-70b", A, B, over="chip_hour_price").to_dict()
    for bound, practice in zip(found["machines"], found["estimate"]["machines"], strict=True):
        assert practice["tokens_per_second_per_chip"] < bound["tokens_per_second_per_chip"]


@pytest.mark.parametrize(("words", "said"), [
    ({"over": "tensor_parallel"}, "belongs to a layout"), ({"over": "power"}, "neither machine's cost"),
    ({"over": "chunk"}, "steps with chunk"), ({"over": "kv_bytes"}, "follows from other"),
    ({"over": "step_time"}, "follows from other"), ({"over": "prompt"}, "has no value here"),
    ({"over": "nothing"}, "nothing"), ({"other": A}, "named twice"), ({"other": "h20"}, "chip_hour_price"),
    ({"model": A, "other": "llama-3.1-70b"}, "swapped"), ({"model": "kimi-k2", "other": "a100-pcie-80gb"},
     "a step needs .*scale_out_bandwidth"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said(words: dict, said: str) -> None:
    asked = {"model": "llama-3.1-70b", "hardware": A, "other": B, **words}
    with pytest.raises(UserError, match=said):
        st.crossover_of(**asked)


def test_the_first_price_need_not_be_known_where_it_is_asked_for(tmp_path) -> None:
    file = tmp_path / "new.toml"
    file.write_text('peak_flops = { bf16 = "2 PFLOP/s" }\nmemory_bandwidth = "8 TB/s"\nmemory_capacity = "200 GB"\n'
                    'scale_up_bandwidth = "900 GB/s"\nscale_up_domain = 8\n')
    found = st.crossover_of("llama-3.1-70b", file, B, over="chip_hour_price")
    assert found.value is not None and found.answer.present is None
    assert "(here" not in str(found)
    with pytest.raises(UserError, match="chip_hour_price"):
        st.crossover_of("llama-3.1-70b", file, B)
