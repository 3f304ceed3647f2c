"""Units: every rule of the walker, every declaration, and every formula of the model."""

import pytest
import sympy
from sympy import Eq, Gt, Max, Min, Piecewise, Symbol, ceiling, exp, log

from steptime.derivations.library import quantities
from steptime.model import symbols as q
from steptime.model.catalog.transformers import load_transformer
from steptime.model.choices import Copies, Experts, Split
from steptime.model.economics import cost as economics
from steptime.model.economics.utilisation import (
    hardware_flops_utilisation,
    memory_bandwidth_utilisation,
    model_flops_utilisation,
)
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import Layout
from steptime.model.phases.decode import DECODE
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.memory import footprints
from steptime.model.phases.phase import Phase
from steptime.model.phases.prefill import IN_FLIGHT, PREFILL, VERIFY, prefill_phase
from steptime.model.units import UnitError, unit_of

from steptime.model.quantity import (  # isort: skip
    FLOP, byte, count, declared, dollar, joule, latex, quantity, second,
)  # fmt: skip


@pytest.mark.parametrize(("expr", "unit"), [
    (q.peak_flops / q.memory_bandwidth, FLOP / byte),
    (q.kv_bytes * q.context + q.kv_written, byte),
    (Max(q.kv_bytes, q.kv_written), byte),
    (Min(q.context, 4096), count),
    (Max(0, q.kv_bytes), byte),
    (ceiling(q.batch / q.replicas), count),
    (sympy.floor(q.scale_up_domain / 2), count),
    (sympy.sqrt(q.kv_bytes), sympy.sqrt(byte)),
    (sympy.Rational(1, 2) ** q.batch, count),
    (q.batch ** q.context, count),
    (exp(q.batch) + log(q.context), count),
    (Gt(q.kv_bytes, q.kv_written), byte),
    (Eq(q.step_time, q.kv_bytes / q.memory_bandwidth, evaluate=False), second),
    (Piecewise((q.kv_bytes, q.batch > q.context), (q.kv_written, True)), byte),
    (sympy.Integer(7), count),
    (q.power * q.step_time, joule),
    (q.chip_hour_price / q.hour * q.step_time, dollar),
], ids=str)  # fmt: skip
def test_unit_of(expr: sympy.Basic, unit: sympy.Expr) -> None:
    assert unit_of(expr) == unit


@pytest.mark.parametrize(("expr", "named"), [
    (q.kv_bytes + q.peak_flops, ("kv_bytes", "peak_flops")),
    (q.kv_bytes + 1, ("kv_bytes", "1")),
    (Max(q.step_time, q.kv_bytes), ("step_time", "kv_bytes")),
    (Gt(q.step_time, q.kv_bytes), ("step_time", "kv_bytes")),
    (ceiling(q.kv_bytes), ("kv_bytes",)),
    (exp(q.step_time), ("step_time",)),
    (q.batch ** q.step_time, ("step_time",)),
    (q.kv_bytes ** q.batch, ("kv_bytes",)),
    (Symbol("stray") * q.batch, ("stray",)),
    (sympy.sin(q.batch), ("sin",)),
    (Piecewise((q.kv_bytes, q.batch > q.step_time), (q.kv_written, True)), ("step_time",)),
], ids=str)  # fmt: skip
def test_mismatch_names_both_sides(expr: sympy.Basic, named: tuple[str, ...]) -> None:
    with pytest.raises(UnitError) as error:
        unit_of(expr)
    assert all(name in str(error.value) for name in named)


def test_second_declaration_is_refused() -> None:
    with pytest.raises(ValueError, match="batch is declared twice"):
        quantity("batch", count, "B", "again")


def test_every_declaration_is_complete() -> None:
    base = {second, byte, FLOP, dollar, joule}
    for name, record in quantities().items():
        assert name == record.symbol.name and record.symbol.is_positive
        assert record.meaning and record.latex
        assert sympy.sympify(record.unit).free_symbols <= base
    latexes = [record.latex for record in quantities().values()]
    assert len(set(latexes)) == len(latexes), "two quantities share one LaTeX symbol"


def test_scripts_may_rely_on_these_names() -> None:
    names = """
        batch context prompt parameters parameters_read active_parameters kv_bytes attention_flops bytes_per_weight
        peak_flops memory_bandwidth memory_capacity scale_up_bandwidth scale_up_domain scale_out_bandwidth
        scale_up_latency scale_out_latency micro_batch kv_written scale_up_bytes scale_out_bytes compute_shards
        weight_shards kv_shards chips step_time tensor_parallel data_parallel expert_parallel pipeline_parallel
        context_parallel replicas
    """
    assert set(names.split()) <= set(declared())


PHASES = (DECODE, PREFILL, prefill_phase(has_cache=True, in_chunks=True), VERIFY, IN_FLIGHT)


@pytest.mark.parametrize("phase", PHASES, ids=["decode", "prefill", "chunks", "verify", "in flight"])
def test_every_term_is_in_seconds(phase: Phase) -> None:
    for expr in phase.resources.values():
        assert unit_of(expr) == second
    assert unit_of(phase.blackboard.time) == unit_of(phase.blackboard.serial_time) == second


@pytest.mark.parametrize("name", ["deepseek-v3", "llama-3.1-70b", "gemma-2-27b", "gpt-oss-120b"])
@pytest.mark.parametrize("phase", PHASES, ids=["decode", "prefill", "chunks", "verify", "in flight"])
@pytest.mark.parametrize(
    "plan",
    [Plan(), Plan(Split.STAGE, Copies.PER_EXPERT, in_switch=True, experts=Experts.ALL, mixed=True, axes=3)],
    ids=["tp", "all"],
)
def test_ledger_and_slots_have_the_declared_units(name: str, plan: Plan, phase: Phase) -> None:
    ledger = Ledger(load_transformer(name), plan, phase=phase)
    for line in (*ledger.operations, *phase.ledger):
        assert line.flops == 0 or unit_of(line.flops) == FLOP, line.name
        assert line.memory_bytes == 0 or unit_of(line.memory_bytes) == byte, line.name
        for moved in line.network:
            assert moved.scale_up == 0 or unit_of(moved.scale_up) == byte, line.name
            assert moved.scale_out == 0 or unit_of(moved.scale_out) == byte, line.name
            assert unit_of(moved.scale_up_starts) == unit_of(moved.scale_out_starts) == count
    for symbol, definition in ledger.slots.items():
        assert definition == 0 or unit_of(definition) == unit_of(symbol), symbol


def utilisation(phase: Phase) -> tuple[sympy.Expr, sympy.Expr, sympy.Expr]:
    """Useful FLOP/s and memory traffic over the peaks of the chips."""
    return (
        model_flops_utilisation(phase.flops_per_sequence),
        hardware_flops_utilisation,
        memory_bandwidth_utilisation(phase.blackboard.memory.work),
    )


def test_memory_and_economics_have_units() -> None:
    for footprint in footprints(load_transformer("deepseek-v3"), Layout(tp=2, dp=4, ep=8, pp=2)):
        assert unit_of(footprint.total) == byte
    assert unit_of(economics.cost_per_token) == dollar
    assert unit_of(economics.energy_per_token) == joule
    assert unit_of(economics.throughput) == 1 / second
    for expr in utilisation(PREFILL):
        assert unit_of(expr) == count


def test_latex_uses_the_declared_names() -> None:
    assert latex(q.kv_bytes * q.context / q.memory_bandwidth) == r"\frac{L \kappa}{W}"
