"""What a chip holds of a pass beside weights and caches: two vectors of the model's width a token, and logits."""

import pytest
from conftest import case_of

from steptime.model import symbols as q

WIDTH, VOCABULARY = 8192, 128_256
"""Llama-3.1-70B."""


@pytest.mark.parametrize(("asked", "tokens", "predicted"), [
    pytest.param({"batch": "64"}, 64, 64, id="decode: one token of 64 sequences, all predict"),
    pytest.param({"batch": "2", "phase": "prefill", "prompt": "1000"}, 2000, 2, id="prefill: only the last predicts"),
    pytest.param({"batch": "2", "phase": "prefill", "prompt": "1000", "chunk": "250"}, 500, 2,
                 id="in chunks: those of one chunk at a time"),
])  # fmt: skip
def test_by_hand(asked: dict[str, str], tokens: int, predicted: int) -> None:
    """The residual stream and what is added to it, in the format of exchanged sums; logits over eight chips."""
    case = case_of("llama-3.1-70b", "h100-sxm", layout="tp=8", **asked)
    (held,) = case.footprints
    expected = case.number(q.reduce_bytes) * (2 * WIDTH * tokens + predicted * VOCABULARY / 8)
    assert case.number(held.activations) == pytest.approx(expected, rel=1e-12)
