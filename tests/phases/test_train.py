"""Training: ledger and blackboard agree; published FLOPs, utilisations, bubbles, activations come out."""

import pytest
import sympy
from conftest import case_of
from sympy import Integer

from steptime.model import symbols as q
from steptime.model.architecture.activations import layer_kept
from steptime.model.catalog.economy import loss_law
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import AttentionKernel, Copies, Counted, Recompute, Schedule, Split
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, SYMBOLS, Layout
from steptime.model.phases.rates import rates
from steptime.model.phases.train import Choices, train_phase
from steptime.model.phases.train_ledger import TrainLedger
from steptime.model.scenario import Scenario
from steptime.model.step.case import Case

KORTHIKANTI = {  # model: batch, chips, layout, seconds with full recomputation, with selective and sequence parallelism
    "megatron-gpt-22b": (4, 8, "tp=8", "microbatch=4", 1.42, 1.10),
    "gpt3-175b": (64, 64, "tp=8,pp=8", "interleave=3", 18.13, 13.75),
    "mt-nlg-530b": (280, 280, "tp=8,pp=35", "interleave=3", 49.05, 37.83),
    "megatron-gpt-1t": (512, 512, "tp=8,pp=64", "interleave=1", 94.42, 71.49),
}


def train(model: str, hardware: str = "a100-sxm-80gb", **options: object) -> Case:
    return case_of(model, hardware, phase="train", **options)


def published(model: str, **options: object) -> Case:
    batch, _, layout, extra, *_ = KORTHIKANTI[model]
    name, value = extra.split("=")
    sizes = {"sequence": "2048", "batch": str(batch), "layout": layout, name: value, "dropout": True}
    return train(model, **{**sizes, **options})


CHOICES = (
    Choices(), Choices(Recompute.SELECTIVE, 1, True), Choices(Recompute.FULL, 2, False, schedule=Schedule.ZB_H1),
    Choices(Recompute.REVERSIBLE, 3), Choices(Recompute.NONE, 3, True, Schedule.ZB_H2, Counted.FULL, True),
    Choices(Recompute.NONE, 0, False, attention_kernel=AttentionKernel.UNFUSED),
)  # fmt: skip


@pytest.mark.parametrize("choices", CHOICES, ids=lambda c: f"{c.recompute}-{c.kernel}-zero{c.zero}-{c.schedule}")
@pytest.mark.parametrize("name", ["deepseek-v3", "llama-3.1-70b", "megatron-gpt-1t", "qwen3-next-80b-a3b"])
def test_the_blackboard_expands_to_the_ledger_exactly(name: str, choices: Choices) -> None:
    layout = Layout(4, 2, 2, 4, 2, 3)
    held = {symbol: Integer(getattr(layout, key)) for key, symbol in SYMBOLS.items()}
    several = Plan(mixed=True)  # each kind of weights in a format of its own
    whole_stage = Plan(Split.STAGE, Copies.PER_EXPERT, True)
    for plan, degrees in ((Plan(), SYMBOLIC), (several, SYMBOLIC), (whole_stage, layout.degrees)):
        ledger = TrainLedger(load_transformer(name), plan, train_phase(choices), degrees)
        slots = {symbol: expr for symbol, expr in ledger.slots.items() if symbol not in ledger.phase.definitions}
        scenario = Scenario({}, slots)
        for term, sums in zip(ledger.phase.blackboard.terms, rates.step(ledger.operations).terms, strict=True):
            for left, right in ((term.work, sums.work), (term.fixed, sums.fixed)):
                difference = scenario.expand(left) - right
                symbols = sorted(difference.free_symbols, key=str)
                numbers = {s: Integer(2 + (7 * place) % 23) for place, s in enumerate(symbols)} | held
                assert sympy.nsimplify(difference.xreplace(numbers)) == 0, term.name


@pytest.mark.parametrize("model", KORTHIKANTI)
def test_model_flops_with_attention_in_full(model: str) -> None:
    """72 B s l h^2 (1 + s/6h + V/12lh): Korthikanti et al. 2022 (arXiv 2205.05198), appendix A."""
    case = published(model, attention="full")
    layers, width, vocabulary, s = len(case.accounts.model.layers), case.accounts.model.width, 51200, 2048
    expected = (
        72 * KORTHIKANTI[model][0] * s * layers * width**2 * (1 + s / (6 * width) + vocabulary / (12 * layers * width))
    )
    assert case.scenario.evaluate(q.model_flops * q.batch) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("model", "mode", "mfu"), [
    pytest.param("megatron-gpt-22b", "selective", 0.415, id="22B: 41.5 % (Korthikanti table 5)"),
    pytest.param("gpt3-175b", "selective", 0.514, id="175B: 51.4 %"),
    pytest.param("mt-nlg-530b", "selective", 0.560, id="530B: 56.0 %"),
    pytest.param("megatron-gpt-1t", "selective", 0.563, id="1T: 71.49 s, 56.3 %"),
    pytest.param("megatron-gpt-1t", "full", 0.426, id="1T: 94.42 s with full recomputation, 42.6 %"),
])  # fmt: skip
def test_mfu_at_the_published_times(model: str, mode: str, mfu: float) -> None:
    case = published(model, attention="full", recompute=mode)
    seconds = KORTHIKANTI[model][4 if mode == "full" else 5]
    flops = case.scenario.evaluate(q.model_flops * q.batch)
    assert flops / (seconds * KORTHIKANTI[model][1] * 312e12) == pytest.approx(mfu, abs=0.005)
    assert case.scenario.evaluate(q.step_time) < seconds


def test_hardware_flops_with_full_recomputation() -> None:
    """96 B s l h^2 (1 + s/6h + V/16lh): Narayanan et al. 2021 (arXiv 2104.04473), equation 3; logits run once."""
    unfused = {"attention": "full", "attention_kernel": "unfused"}
    case = published("megatron-gpt-1t", recompute="full", **unfused)
    width, layers = 25600, 128
    expected = 96 * 512 * 2048 * layers * width**2 * (1 + 2048 / (6 * width) + 51200 / (16 * layers * width))
    assert case.scenario.evaluate((q.model_flops + q.recomputed_flops) * q.batch) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("options", "bubble"), [
    pytest.param({}, 63 / 512, id="1T: 63 of 512 micro-batches"),
    pytest.param({"interleave": "2"}, 63 / 1024, id="two chunks a stage: half"),
    pytest.param({"schedule": "zb-h1"}, 63 / 512 / 3, id="ZB-H1: (P-1)(F+B-W), a third"),
    pytest.param({"schedule": "zb-h2"}, 0, id="ZB-H2: F+B-2W is nothing"),
    pytest.param({"schedule": "zb-h1", "recompute": "full"}, 63 / 512 / 2, id="ZB-H1 with B = 2F: two of four"),
])  # fmt: skip
def test_bubbles(options: dict[str, str], bubble: float) -> None:
    assert published("megatron-gpt-1t", **options).scenario.evaluate(q.bubble_ratio) == pytest.approx(bubble)


@pytest.mark.parametrize(("mode", "tp", "shared", "expected"), [
    pytest.param("none", 1, False, lambda a, s, h, t: 34 + 5 * a * s / h, id="none: s b h (34 + 5 a s/h)"),
    pytest.param("selective", 1, False, lambda a, s, h, t: 34, id="selective: 34 s b h"),
    pytest.param("none", 8, False, lambda a, s, h, t: 10 + 24 / t + 5 * a * s / (h * t), id="tp: 10 + 24/t"),
    pytest.param("none", 8, True, lambda a, s, h, t: (34 + 5 * a * s / h) / t, id="sequence parallel: all over t"),
    pytest.param("selective", 8, True, lambda a, s, h, t: 34 / t, id="both: 34/t"),
    pytest.param("full", 8, False, lambda a, s, h, t: 2, id="full: the layer's input, 2 s b h"),
])  # fmt: skip
def test_activations_of_a_gpt_layer(mode: str, tp: int, shared: bool, expected) -> None:
    """Korthikanti et al. 2022, table 2, in units of s b h bytes at 16 bits with dropout."""
    model = load_transformer("gpt3-175b")
    kept = layer_kept(model.layers[0], model.width, mode, dropout=True, fused=False).on_chip(Integer(tp), shared)
    stored = {q.bytes_per_activation: Integer(2), q.mask_bytes: Integer(1), q.sequence: Integer(2048)}
    found = kept.xreplace(stored) / model.width
    assert float(found) == pytest.approx(expected(96, 2048, 12288, tp))


def test_memory_of_the_first_stage_by_hand() -> None:
    """GPT-3 on tp 8, pp 8, 3 chunks: 8 micro-batches and 7/3 more of 12 layers, 34/8 bytes per s b h each."""
    case = published("gpt3-175b", recompute="selective", sequence_parallel=True)
    room = case.fullest_stage
    layer = 2048 * 12288 * 34 / 8
    assert case.number(room.activations) == pytest.approx(12 * layer * 8 * (1 + 7 / (8 * 3)), rel=1e-12)
    weights = case.number(room.weights) / 2
    assert case.number(room.gradients) == pytest.approx(4 * weights) and case.number(room.optimizer) == pytest.approx(
        12 * weights
    )
    width = 12288
    stored = 12 * (12 * width**2 / 8) + (51200 + 2048) * width / 8
    assert weights == pytest.approx(stored, rel=2e-3)  # norms and biases


@pytest.mark.parametrize(("zero", "expected"), [
    pytest.param(0, (2, 4, 12), id="ZeRO 0: 18 bytes a weight"),
    pytest.param(1, (2, 4, 12 / 16), id="ZeRO 1 over 16"),
    pytest.param(2, (2, 4 / 16, 12 / 16), id="ZeRO 2"),
    pytest.param(3, (2 / 16, 4 / 16, 12 / 16), id="ZeRO 3"),
])  # fmt: skip
def test_zero_shares_state_over_data_parallel_chips(zero: int, expected: tuple[float, float, float]) -> None:
    room = (case := train("llama-3.1-8b", "h100-sxm", layout="dp=16", zero=zero)).fullest_stage
    weights = case.accounts.model.parameters
    found = [case.number(part) / weights for part in (room.weights, room.gradients, room.optimizer)]
    assert found == pytest.approx(expected)


def test_gradients_by_hand() -> None:
    """8 replicas of one chip a node: an all-reduce of fp32 gradients in the switch sends them once; ZeRO 1 sends 7/8 of
    them back and 7/8 of the weights out; ZeRO 3 gathers weights twice a micro-batch."""
    weights = load_transformer("llama-3.1-8b").parameters
    options = {"layout": "dp=8", "batch": "32", "hardware": "h100-sxm"}
    sent = [train("llama-3.1-8b", zero=zero, **options).scenario.evaluate(q.gradient_up_bytes) for zero in range(4)]
    assert sent == pytest.approx([4 * weights, 7 / 8 * (4 + 2) * weights, 7 / 8 * (4 * 4 + 2) * weights,
                                  7 / 8 * 4 * (4 + 2 * 2) * weights])  # fmt: skip


def test_one_chip_and_one_micro_batch_has_no_network_and_no_bubble() -> None:
    for schedule in Schedule:
        case = train("gpt2", "h100-sxm", batch="4", microbatch="4", sequence="512", schedule=schedule, layout="tp=1")
        assert case.times["interconnect"] == 0 and case.scenario.evaluate(q.bubble_ratio) == 0
        assert all(not line.network for line in case.operations)


@pytest.mark.parametrize(("options", "message"), [
    ({"batch": "10", "layout": "dp=4"}, "no multiple of dp"),
    ({"batch": "64", "layout": "tp=8,pp=2", "interleave": "3"}, "does not divide 80 layers"),
    ({"interleave": "2", "schedule": "zb-h1", "layout": "tp=8,pp=2"}, "`interleave` belongs to `schedule` 1f1b"),
    ({"context": "100"}, "`context` says nothing in `phase` train"),
    ({"scope": "serving", "output": "5"}, "`scope` serving says nothing in `phase` train"),
])  # fmt: skip
def test_what_cannot_be_trained_says_why(options: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        train("llama-3.1-70b", "h100-sxm", **options)


def test_days_and_dollars(run_json) -> None:
    data = run_json("step", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", "tp=2,dp=4", "--tokens", "1T")
    found = data["training"]
    assert found["days"] == pytest.approx(1e12 / data["tokens_per_second"] / 86400)
    assert found["dollars"] == pytest.approx(1e6 * data["dollars_per_million_tokens"])
    assert found["dollars"] == pytest.approx(8 * 24 * found["days"] * data["quantities"]["chip_hour_price"])
    assert found["micro_batches"] == 16
    scored = 2 * 32 * 128 * 4096 * 4095 / 2 * 32 * 64  # QK' of 32 heads of 128, in 32 layers of 64 sequences
    assert found["hfu"] / data["mfu"] == pytest.approx(1 + scored / found["model_flops"], rel=1e-12)


def test_how_long_to_train_what_serves(run_json) -> None:
    """Row 4.2: 6 N D = 2 N D_inf/eta. Row 4.4: the derivation's own formula gives back the tokens served."""
    from steptime.derivations.overtraining.scaling import life_optimum
    from steptime.model.economics import scaling

    data = run_json("step", "llama-3.1-70b", "h100-sxm", "--phase", "train", "--layout", "tp=8,dp=64",
                    "--set", "served_tokens=2.6e15", "--set", "decode_efficiency=0.3")  # fmt: skip
    found, weights = data["training"], data["quantities"]["active_parameters"]
    assert found["tokens_at_equal_compute"] == pytest.approx(2.6e15 / 0.9)
    assert found["tokens_of_cheapest_training"] == 20 * weights
    assert scaling.served_at_optimum == life_optimum.result.rhs
    for fit, tokens in found["tokens_at_optimum"].items():
        values = {
            **loss_law(fit),
            q.active_parameters: weights,
            q.decode_efficiency: 0.3,
            q.pretraining_tokens: tokens,
        }
        assert Scenario(values).evaluate(life_optimum.result.rhs) == pytest.approx(2.6e15, rel=1e-6)
