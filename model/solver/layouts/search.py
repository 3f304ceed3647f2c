"""Every layout, batch, format and machine at once: the best under named limits, the runner-up, and the Pareto front.

Points are evaluated in blocks, so that memory stays bounded however many there are; what may yet be best is kept, and
then looked at closely: its best whole batch, and its time where less overlaps.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from steptime.model import symbols as q
from steptime.model.errors import UserError
from steptime.model.layout.enumeration import Columns, layout_of
from steptime.model.solver.layouts.points import Answer, Search
from steptime.model.solver.layouts.stream import engine_for, streamed
from steptime.model.solver.layouts.variants import Variant
from steptime.model.solver.layouts.work import work_of
from steptime.model.step.build import build_case

Progress = Callable[[float], None]
STREAMED = 0.9
"""Share of the work, roughly, after which the finalists are looked at."""


def search_layouts(
    search: Search, progress: Progress = lambda share: None, workers: int | None = None
) -> Answer:  # fmt: skip
    """The best point under the limits; raises UserError where a figure is missing or no point satisfies all limits.

    ``workers``: processes, one for each core where there is much to do; the answer is the same whatever their number.
    """
    started, work = time.perf_counter(), work_of(search)
    _refuse_early(work.variants, work.columns, search)
    kept, size = work.nothing_kept(), work.size
    if search.engine is not None:
        for one in kept:
            one.points, one.infeasible = work.refused, Counter({str(search.engine): work.refused})
    with engine_for(work, workers) as engine:
        for done in streamed(work, kept, engine):
            progress(STREAMED * done / size)

    def looked(share: float) -> None:
        progress(STREAMED + (1 - STREAMED) * share)

    of_bound = None
    try:
        if work.in_practice:
            of_bound = work.finalists(kept[0], looked).best()
        chosen = work.finalists(kept[-1], looked).chosen()
    except UserError as error:
        near = kept[-1 if of_bound is not None else 0].near
        said = str(error) if near is None else f"{error}; {near.said(work)}"
        if of_bound is not None:
            said = f"in practice {said}; at the ideal bound alone {kept[0].feasible:,} do (`efficiency` ideal)"
        raise UserError(said) from None
    progress(1.0)
    counts, questions = kept[-1 if work.timed else 0], tuple(variant.question for variant in work.variants)
    return Answer(search, work.minimise, len(work.columns["tp"]), questions, counts.points, counts.feasible,
                  time.perf_counter() - started, dict(counts.infeasible), **vars(chosen), in_practice=work.in_practice,
                  of_bound=of_bound)  # fmt: skip


def _refuse_early(variants: Sequence[Variant], columns: Columns, search: Search) -> None:
    """What a step refuses is refused before the search, in the words of a step: one case on each machine."""
    for machine in search.hardware:
        question = next(variant.question for variant in variants if variant.question.hardware is machine)
        given = {q.batch: float(search.batches[-1])}
        given |= {s: float(columns[s.name][0]) for s in (q.microbatch, q.interleave) if s.name in columns}
        build_case(question.but(given, layout=replace(layout_of(columns, 0), copies=search.copies)))
