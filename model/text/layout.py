"""A search over layouts as JSON."""

from functools import partial
from typing import Any

from steptime.model.choices import PhaseName
from steptime.model.errors import UserError
from steptime.model.solver.batch import SCALES, scale_of, solve_batch
from steptime.model.solver.batch_answer import BatchAnswer
from steptime.model.solver.layouts.points import Answer
from steptime.model.solver.practice import practice_of
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.solver.recheck import recheck
from steptime.model.solver.sensitivity import Elasticity, envelope_at
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of
from steptime.model.text.best_batch import solve_batch_json
from steptime.model.text.compared import compared_json
from steptime.model.text.header import no_estimate
from steptime.model.text.layout_points import formats_said, point_json
from steptime.model.text.layout_why import why_it_lost
from steptime.model.text.omitted import not_modelled
from steptime.model.text.ranges import spread_json
from steptime.model.text.step_json import step_json


def layout_json_of(answer: Answer, spread: Spread | None = None) -> dict[str, Any]:
    best = build_case(answer.best.question)
    relaxed, second, checked = relaxed_at(answer, best), answer.runner_up, recheck(answer)
    worth, point = _worth(answer, best), partial(point_json, minimise=answer.minimise)
    return {
        "model": best.model,
        "hardware": [machine.name for machine in answer.search.hardware],
        "chips": list(answer.search.chips),
        "phase": answer.search.inputs.phase,
        "minimise": answer.minimise,
        "unit": SCALES[answer.minimise][2],
        "limits_hold_for": "estimate" if answer.in_practice else "bound",
        **compared_json(answer),
        "layouts": answer.layouts,
        "batches": list(answer.search.batches),
        "every_whole_batch": answer.search.whole,
        "formats": formats_said(answer).removeprefix("formats: ").replace("`", ""),
        "limits": limits_json(answer),
        **({} if (why := no_estimate(best)) is None else {"no_estimate": why}),
        "points": answer.points,
        "feasible": answer.feasible,
        "infeasible": dict(answer.infeasible),
        "seconds": answer.seconds,
        "best": {**point(answer.best, best), "terms": dict(best.times), "bottleneck": best.bottleneck,
                 "step": step_json(best, [])},
        "bound_answer": None if answer.of_bound is None else point(answer.of_bound),
        "least_cost": answer.least,
        "within_one_percent": answer.ties,
        "best_of": {name: point(one) for name, one in answer.best_of.items()},
        "runner_up": None if second is None else {**point(second), "why": why_it_lost(answer, best)},
        "pareto": [point(one) for one in answer.pareto],
        "global": True,
        "attained": True,
        "sensitivities": {name: one.found for name, one in worth.items()},
        "sensitivity_intervals": {name: [one.least, one.most] for name, one in worth.items() if one.open},
        "residuals": {"primal": checked.primal, **checked.figures},
        "relaxation": None if relaxed is None else solve_batch_json(relaxed),
        "not_modelled": not_modelled(best),
        **spread_json(spread),
    }  # fmt: skip


def relaxed_at(answer: Answer, best: Case) -> BatchAnswer | None:
    """The continuous problem at the best layout, for its prices; None where it has no solution near the grid."""
    if answer.search.inputs.phase == PhaseName.TRAIN:  # the batch is what is trained with, not what is chosen
        return None
    try:
        search = answer.search
        return solve_batch(best, answer.minimise, search.max_step_time, search.limits, float(answer.best.batch),
                           answer.in_practice)  # fmt: skip
    except UserError:
        return None


def _worth(answer: Answer, best: Case) -> dict[str, Elasticity]:
    """What one more per cent of each quantity changes the cost by at the best point, by whichever decided."""
    factor, chosen = scale_of(best, answer.minimise)[0], coefficients_of(best)
    practice = practice_of(best, chosen) if answer.in_practice and chosen is not None else None
    if practice is None:
        return envelope_at(best, factor).of_every(best)
    return envelope_at(practice.case, factor, practice.parts).of_every(practice.case)


def limits_json(answer: Answer) -> list[str]:
    """Every limit that was asked for, those on time first."""
    search = answer.search
    timed = {"max_step_time": search.max_step_time, "max_ttft": search.max_ttft}
    stated = [f"{name} <= {seconds:g} s" for name, seconds in timed.items() if seconds is not None]
    return [*stated, *map(str, search.limits)]
