"""The command line that asks for a scenario: every option that any number of it follows from."""

import shlex
from collections.abc import Collection, Iterable
from dataclasses import replace

from sympy import Symbol

from steptime.model.catalog.hardware import CATALOGUE
from steptime.model.choices import PHASES, Efficiency, Experts, Overlap, Scope
from steptime.model.phases.train import Choices
from steptime.model.step.case import Case
from steptime.model.step.inputs import WORKLOAD, called

FORMATS = ("weights", "kv", "activations")


def command_of(case: Case, but: Collection[str] = ()) -> list[str]:
    """The whole command line of a scenario, a word each; without values of the quantities named in ``but``.

    >>> import steptime as st
    >>> step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", weights="fp8", batch=16)
    >>> print(*command_of(step.case)[3:])
    h100-sxm --batch 16 --layout tp=8,cp=1,dp=1,ep=1,pp=1,replicas=1 --weights fp8
    """
    return [*words_of(case, but), "--layout", layout_of(case), *_formats(case)]


def words_of(case: Case, but: Collection[str] = ()) -> list[str]:
    """The same but for what a page has controls of beside quantities: layout and formats."""
    inputs, training, usual = case.inputs, case.inputs.training, Choices()
    hardware = case.hardware.name if case.hardware.origin == CATALOGUE else case.hardware.origin
    said = ["steptime", "step", case.accounts.origin, hardware]
    said += [] if inputs.phase == PHASES[0] else ["--phase", str(inputs.phase)]
    for name, word, other in (
        ("scope", inputs.scope, Scope.STEPS), ("overlap", inputs.overlap, Overlap.FULL),
        ("experts", inputs.experts, Experts.EXPECTED), ("efficiency", inputs.efficiency, Efficiency.CALIBRATED),
        ("basis", inputs.basis, None), ("recompute", training.recompute, usual.recompute),
        ("zero", training.zero, usual.zero), ("schedule", training.schedule, usual.schedule),
        ("attention", training.attention, usual.attention),
        ("attention-kernel", training.attention_kernel, usual.attention_kernel),
    ):  # fmt: skip
        said += [] if word == other else [f"--{name}", str(word)]
    said += [] if inputs.coefficients is None else ["--efficiency", inputs.coefficients.origin]
    said += ["--dropout"] if training.dropout else []
    said += [] if training.sequence_parallel else ["--no-sequence-parallel"]
    return [*said, *(part for symbol, value in inputs.given.items() if symbol.name not in but
                     for part in _quantity(symbol, value))]  # fmt: skip


def layout_of(case: Case) -> str:
    """The layout; how tokens are copied to experts only where that was stated, since each pass else has its own way."""
    stated = case.inputs.layout.copies if case.inputs.layout else None
    return ",".join([str(replace(case.layout, copies=None)), *([f"copies={stated}"] if stated else [])])


def _formats(case: Case) -> Iterable[str]:
    for kind in FORMATS:
        if (form := getattr(case.inputs, kind)) is not None:
            yield from (f"--{kind}", str(form))


def _quantity(symbol: Symbol, value: float) -> list[str]:
    number = repr(int(value) if float(value).is_integer() else value)  # 64 sequences, not 64.0
    return [f"--{called(symbol)}", number] if symbol in WORKLOAD else ["--set", f"{symbol.name}={number}"]


def line_of(words: Iterable[str]) -> str:
    """The words as one line of a shell."""
    return " ".join(shlex.join(words).split())
