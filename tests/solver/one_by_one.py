"""What searches and solvers are compared with: every way to train as a case of its own, and what prices add up to."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from steptime.model import symbols as q
from steptime.model.layout.layout import Layout
from steptime.model.phases.train import Choices
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Question


def divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


def executions(question: Question, chips: int, batch: int) -> Iterator[Case]:
    """Every way to train on so many chips, each tried by itself."""
    model = question.model
    layers = len(model.layers)
    for tp, cp, dp, pp, replicas in product(divisors(chips), repeat=5):
        whole = tp * cp * dp * pp * replicas == chips and not any(heads % tp for heads in model.heads)
        if not whole or pp > layers or batch % (dp * replicas):
            continue
        experts = [ep for ep in divisors(tp * cp * dp) if ep <= model.experts] if model.experts else [1]
        sizes = divisors(batch // dp // replicas)
        chunks = [v for v in divisors(layers) if v == 1 or (pp > 1 and layers % (pp * v) == 0)]
        choices = product(("none", "selective", "full"), (0, 1, 2, 3) if dp * cp * replicas > 1 else (0,),
                          (True, False) if tp > 1 else (True,))  # fmt: skip
        for ep, ffn, size, v, (mode, zero, shared) in product(
            experts, ("tp", "all") if cp * dp > 1 else ("tp",), sizes, chunks, list(choices)
        ):
            layout = Layout(tp=tp, cp=cp, dp=dp, ep=ep, pp=pp, replicas=replicas, ffn=ffn)
            training = Choices(recompute=mode, zero=zero, sequence_parallel=shared)
            given = {q.batch: float(batch), q.microbatch: float(size), q.interleave: float(v)}
            yield build_case(question.but(given, layout=layout, training=training))


def prices_add_up(answer_of: Callable[..., Any], name: str) -> None:
    """All times and the limit k times as long: the same batch, k times the cost. So the prices add up to one; and the
    limit's is what a little less and a little more of it bring."""
    answer, step = answer_of(name), 1e-4
    found, prices = answer.solution, answer.practice.prices(answer.solution)
    assert all(price >= -1e-9 for price in prices.values()) and found.residuals.worst < 1e-6
    assert sum(prices.values()) + found.shadow_prices["max_step_time"] == pytest.approx(1, abs=1e-6)
    less, more = (np.log(answer_of(name, by=1 + by).solution.cost) for by in (-step, step))
    assert found.shadow_prices["max_step_time"] == pytest.approx((more - less) / (2 * step), rel=1e-3, abs=1e-4)
    assert sum(answer.practice.times(found.value).values()) == pytest.approx(found.step_time, rel=1e-9)
