"""What a page carries beside its formulas: the scenario's numbers, what may be changed, layouts, and words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steptime.derivations.printed.languages import JAVASCRIPT_HEAD, javascript_curve
from steptime.model import symbols as q
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError
from steptime.model.layout.layout import Layout
from steptime.model.page.command import words_of
from steptime.model.page.controls import controls_of, formats_of
from steptime.model.page.families import LINKS, Families, families_of, told_apart
from steptime.model.page.layouts import offered
from steptime.model.page.rows import rows_of
from steptime.model.solver.layouts.evaluated import NEVER
from steptime.model.step.build import prepare
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of, kind_of
from steptime.model.step.outside import outside
from steptime.model.step.prepared import Prepared
from steptime.model.text.header import missing_json
from steptime.model.text.omitted import not_modelled
from steptime.model.text.step_json import outputs

LIMITS = {
    "limit_cached": "the prompt must be longer than what is cached",
    "limit_chunk": "a chunk is longer than the new tokens of the prompt",
    "limit_whole_micro_batches": "micro-batches are whole: the batch must be a multiple of dp·replicas·microbatch",
    "limit_whole_chunks": "interleaved chunks must divide the layers, on more than one stage",
}
LENGTHS = {"context": "context", "sequences": "rank_batch", "chips": "chips", "sequence": "sequence",
           "microbatch": "microbatch", "stages": "pipeline_parallel"}  # fmt: skip
"""By what an estimate knows whether a step is like those of its fit: the quantity of each."""


@dataclass(frozen=True)
class Payload:
    """One scenario as a page has it: programs in JavaScript, and everything else as one JSON object."""

    formulas: str
    data: Mapping[str, Any]


def payload_of(case: Case) -> Payload:
    """Raises UserError where the step itself has no number: there is nothing to start from."""
    if case.number(q.step_time) is None:
        lacking = {str(one) for one in case.missing({"step_time": q.step_time})}
        raise UserError(f"a report needs a step time: {', '.join(sorted(lacking))} is missing")
    asked = told_apart(prepare(case.question))
    layouts = offered(case, asked) if asked.accounts.is_architecture else [case.layout]
    families = families_of(case, asked, layouts)
    axes = [q.batch.name, case.length.name]
    return Payload(_formulas(families, axes), _data(case, asked, layouts, families, axes))


def _formulas(families: Families, axes: Sequence[str]) -> str:
    """Every program, in the order of the families, each a function of what curves are over."""
    programs = enumerate(families.programs.values())
    written = [javascript_curve(f"formulas_{place}", one, axes) for place, one in programs]
    names = ", ".join(f"formulas_{place}" for place in range(len(written)))
    return f"{JAVASCRIPT_HEAD}{''.join(written)}const programs = [{names}];\n"


def _data(
    case: Case, asked: Prepared, layouts: Sequence[Layout], families: Families, axes: Sequence[str]
) -> dict[str, Any]:
    controls = controls_of(asked, families)
    own = next(place for place, layout in enumerate(layouts) if str(layout) == str(case.layout))
    names = list(dict.fromkeys(name for row in families.rows for name in row))
    live = _estimate(case)
    return {
        "model": case.model, "hardware": case.hardware.name, "phase": case.phase.name,
        "words": words_of(case, [control["name"] for control in controls]),
        "axes": axes,
        "values": {name: value for name, value in families.values.items() if name in families.inputs},
        "controls": controls, "formats": formats_of(case, asked),
        "layouts": {
            "names": names, "rows": [[row.get(name) for name in names] for row in families.rows], "start": own,
            "listed": [{"text": str(layout), "split": str(layout.ffn), "chips": layout.chips} for layout in layouts],
            "copies": str(case.inputs.layout.copies) if case.inputs.layout and case.inputs.layout.copies else None,
        },
        "kinds": [str(kind) for kind in asked.ways_to_copy] if asked.accounts.is_architecture else ["per-domain"],
        "families": {"|".join(map(str, key)): place for place, key in enumerate(families.programs)},
        "links": {symbol.name: value for symbol, value in LINKS.items()}, "never": NEVER,
        "estimate": live, "limits": LIMITS,
        "rows": [row for row in rows_of(case) if live is not None or row["group"] != "in practice"],
        "missing": missing_json(case, outputs(case)), "not_modelled": list(not_modelled(case)),
    }  # fmt: skip


def _estimate(case: Case) -> dict[str, Any] | None:
    """The band of the estimate, and in what a step lies outside of what was calibrated; None where there is none."""
    chosen = coefficients_of(case)
    if chosen is None or case.accounts.transformer is None:
        return None
    bands = (chosen.training if case.inputs.phase == PhaseName.TRAIN else None) or chosen
    kind = kind_of(case.accounts.transformer)
    band = bands.band(kind, case.hardware.family, case.hardware.name)
    told = [key for key in LENGTHS if getattr(bands.seen, key, ())]
    told = [key for key in told if key != "context" or case.inputs.phase == PhaseName.DECODE]
    seen = [{"name": key, "of": LENGTHS[key], "range": list(getattr(bands.seen, key))} for key in told]
    beyond = outside(case.hardware, kind, case.inputs, chosen, {})
    return {"low": band.low, "high": band.high, "family": band.name, "seen": seen, "outside": list(beyond)}
