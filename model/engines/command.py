"""The command line that runs a layout on an engine, or why there is none; and which of many layouts an engine runs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from steptime.model.choices import EngineName, PhaseName
from steptime.model.engines.megatron import MEGATRON
from steptime.model.engines.rules import Blocks, Degrees, Engine
from steptime.model.engines.sglang import SGLANG
from steptime.model.engines.trtllm import TRTLLM
from steptime.model.engines.vllm import VLLM
from steptime.model.layout.enumeration import Columns
from steptime.model.phases.accounts import Accounts
from steptime.model.step.case import Case
from steptime.model.step.inputs import Inputs

ENGINES: Mapping[EngineName, Engine] = {one.name: one for one in (VLLM, SGLANG, TRTLLM, MEGATRON)}
CHECKPOINT = '"$CHECKPOINT"'
"""Stands for the weights where no folder and no hub's name was given."""


@dataclass(frozen=True)
class Launch:
    """``lines`` of a shell script that runs ``copies`` servers, or one training job, each on ``chips``; None where the
    engine ``refuses``. ``notes``: what the lines leave open."""

    engine: EngineName
    lines: tuple[str, ...] | None
    refuses: str | None
    copies: int = 1
    chips: int = 1
    notes: tuple[str, ...] = ()


def launch(case: Case, engine: EngineName, checkpoint: str | None = None) -> Launch:
    """How an engine runs a step.

    >>> from steptime.model.step.build import build_case
    >>> from steptime.model.step.inputs import Question
    >>> from steptime.model.step.words import inputs_of
    >>> from steptime.model.catalog.hardware import load_hardware
    >>> from steptime.model.catalog.models import load_model
    >>> asked = inputs_of({"layout": "tp=8", "batch": 32})
    >>> case = build_case(Question(load_model("llama-3.1-70b"), load_hardware("h100-sxm"), asked))
    >>> print(*launch(case, EngineName.TRTLLM).lines, sep=chr(10))
    trtllm-serve "$CHECKPOINT" \\
        --tp_size 8 \\
        --max_batch_size 32 \\
        --max_seq_len 4097
    """
    known, model = ENGINES[engine], case.accounts.transformer
    if model is None:
        return Launch(engine, None, f"{case.model} is a list of quantities: an engine runs an architecture")
    blocks = Blocks.of(model)
    if (why := objection(engine, case.inputs, case.accounts)) is not None:
        return Launch(engine, None, why)
    degrees = Degrees.of(case.layout)
    for rule in known.rules:
        if not rule.holds(degrees, blocks, case.inputs):
            return Launch(engine, None, rule.said(degrees, blocks))
    found = known.written(case, checkpoint or CHECKPOINT)
    notes = [*found.notes, "hosts, ports and kernels as the engine takes them"]
    if found.copies > 1:
        chips = case.layout.chips // found.copies
        notes.insert(0, f"{found.copies} such servers, each on {chips} chip{'s' * (chips > 1)}")
    stated = None if case.inputs.layout is None else case.inputs.layout.copies
    if stated is not None:
        notes.append(f"copies={stated}: the exchange that the engine chooses decides")
    if case.fits is False:
        notes.append("does not fit in memory")
    return Launch(engine, found.lines, None, found.copies, case.layout.chips // found.copies, tuple(notes))


def objection(engine: EngineName, inputs: Inputs, accounts: Accounts) -> str | None:
    """Why an engine runs no layout as asked, or None."""
    known = ENGINES[engine]
    if inputs.phase not in known.phases:
        does = "trains" if known.phases == (PhaseName.TRAIN,) else "serves"
        return f"{known.called} {does}: there is no command of {inputs.phase}"
    return known.objects(inputs, accounts)


def runs(engine: EngineName, columns: Columns, blocks: Blocks, inputs: Inputs) -> np.ndarray:
    """Which of many layouts an engine runs."""
    return np.asarray(np.logical_and.reduce(_held(engine, Degrees.each(columns), blocks, inputs)))


def refusal(engine: EngineName, columns: Columns, blocks: Blocks, inputs: Inputs) -> str:
    """Why an engine runs none of some layouts: what refuses most of them, said of the first."""
    degrees = Degrees.each(columns)
    held = _held(engine, degrees, blocks, inputs)
    most = min(range(len(held)), key=lambda number: np.count_nonzero(held[number]))
    first = int(np.argmin(held[most]))
    return ENGINES[engine].rules[most].said(Degrees(*(column[first] for column in vars(degrees).values())), blocks)


def _held(engine: EngineName, degrees: Degrees, blocks: Blocks, inputs: Inputs) -> list[np.ndarray]:
    """Which layouts keep each rule."""
    shape = np.shape(degrees.tp)
    return [np.broadcast_to(rule.holds(degrees, blocks, inputs), shape) != 0 for rule in ENGINES[engine].rules]
