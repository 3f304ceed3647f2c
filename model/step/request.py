"""A whole request of a static batch: one prefill, then a decode step for every further token of the answer.

Its decode steps are one phase (`prefill.ANSWER`) whose terms are the sums over the growing context.
"""

from dataclasses import dataclass

from steptime.model import symbols as q
from steptime.model.choices import PhaseName, TermName
from steptime.model.step.build import build_case
from steptime.model.step.case import Case
from steptime.model.step.inputs import Question


@dataclass(frozen=True)
class Request:
    """The prefill and the decode steps of a request, each a case; ``answer`` is None for an answer of one token."""

    prefill: Case
    answer: Case | None

    @property
    def parts(self) -> tuple[Case, ...]:
        return (self.prefill,) if self.answer is None else (self.prefill, self.answer)

    @property
    def time(self) -> float | None:
        """Seconds from the start to the last token; a lower bound where what binds changes as the context grows."""
        times = [part.number(q.step_time) for part in self.parts]
        return None if any(time is None for time in times) else sum(time or 0.0 for time in times)

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens of all answers over the time of the request."""
        batch, output = self.prefill.number(q.batch), self.prefill.number(q.answer)
        return None if self.time is None or batch is None or output is None else batch * output / self.time

    @property
    def bottleneck(self) -> TermName | None:
        """What binds in the longer part."""
        return max(self.parts, key=lambda part: part.number(q.step_time) or 0.0).bottleneck


def whole_request(question: Question) -> Request:
    """The request of a question in the phase prefill that says how long the answer is."""
    return with_answer(build_case(question.but(phase=PhaseName.PREFILL)))


def with_answer(prefill: Case) -> Request:
    """The request of a prefill; its decode steps have the same layout."""
    if (prefill.number(q.answer) or 1.0) <= 1:
        return Request(prefill, None)
    before, layout = {q.cached: None, q.chunk: None}, prefill.layout_of_others
    return Request(prefill, build_case(prefill.question.but(before, phase=PhaseName.ANSWER, layout=layout, chips=None)))
