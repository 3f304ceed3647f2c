"""A list of quantities is split over every chip of a stage: where dp or cp hold weights whole, the answer says so."""

from pathlib import Path

import pytest

import steptime as st
from steptime.model.text.omitted import not_modelled

LLAMA_70B = """
name = "llama-70b-of-quantities"
parameters = 70.6e9
active_parameters = 69.5e9
kv_bytes = 327680
width = 8192
layers = 80
"""
SAID = "that dp and cp hold weights whole: quantities are split over all chips of a stage, ideally"


@pytest.mark.parametrize(("layout", "is_said"), [
    ("tp=2,dp=4", True), ("tp=4,cp=2", True), ("tp=8", False), ("tp=4,pp=2", False), ("tp=4,replicas=2", False),
])  # fmt: skip
def test_it_is_said_where_it_matters(layout: str, is_said: bool, tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_text(LLAMA_70B, "utf-8")
    step = st.step(str(tmp_path / "m.toml"), "h100-sxm", layout=layout, batch=3)
    assert (SAID in not_modelled(step.case)) == is_said
    assert SAID not in not_modelled(st.step("llama-3.1-70b", "h100-sxm", layout=layout, batch=3).case)


def test_how_much_less_a_chip_holds_is_what_is_said(tmp_path: Path) -> None:
    """70.6e9 weights of two bytes: over 8 chips of quantities 17.65 GB, over 2 that share a matrix 70.6 GB."""
    (tmp_path / "m.toml").write_text(LLAMA_70B, "utf-8")
    ideal, real = (st.step(model, "h100-sxm", layout="tp=2,dp=4", batch=3).case
                   for model in (str(tmp_path / "m.toml"), "llama-3.1-70b"))  # fmt: skip
    held = [case.number(case.fullest_stage.weights) for case in (ideal, real)]
    assert held == pytest.approx([70.6e9 * 2 / 8, 70.55e9 * 2 / 2], rel=1e-3)
