"""Defaults are those of the field: what a step takes where nothing is said, and what it says of that."""

import pytest
from conftest import asked, case_of

from steptime.model import symbols as q
from steptime.model.step.request import whole_request


@pytest.mark.parametrize(("options", "batch"), [
    pytest.param({"phase": "prefill"}, 1, id="a prefill: one prompt, as a time to first token is quoted"),
    pytest.param({"phase": "prefill", "output": "50"}, 1, id="a whole request"),
    pytest.param({}, 64, id="a decode step"),
    pytest.param({"scope": "serving", "output": "50"}, 64, id="in-flight batching"),
    pytest.param({"phase": "train"}, 64, id="training: sequences of a step"),
])  # fmt: skip
def test_sequences_of_a_step(options: dict[str, str], batch: int) -> None:
    case = case_of("llama-3.1-8b", "h100-sxm", layout="tp=2", **options)
    assert case.number(q.batch) == batch
    assert f"batch {batch}" in [str(default) for default in case.defaults]


def test_the_answer_of_a_request_has_the_batch_of_its_prefill() -> None:
    request = whole_request(asked("llama-3.1-8b", "h100-sxm", layout="tp=2", output="50"))
    assert request.answer is not None
    assert request.prefill.number(q.batch) == request.answer.number(q.batch) == 1
