"""What a sweep prints: no line is wider than the terminal, and what is left out is named."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

import steptime as st
from steptime.model.api.sweep import Sweep

EXAMPLES = Path(__file__).parents[2] / "examples" / "sweeps"


def printed(found: Sweep, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(found.table())
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_fits(width: int) -> None:
    found = st.sweep({
        "base": {"model": "deepseek-v3", "hardware": ["gb200-nvl72", "h100-sxm"]},
        "layouts": {"list": ["dp=72,ep=72"]},
        "over": {"batch": {"log": [1, 30000, 30]}, "context": {"values": ["1k", "32k"]}},
        "outputs": ["compute", "memory", "interconnect", "step_time", "estimate", "dollars_per_million_tokens"],
        "keep": [{"best": "dollars_per_million_tokens", "by": ["context"], "count": 9}, {"quantiles": "estimate"},
                 {"front": ["tokens_per_second_per_sequence", "dollars_per_million_tokens"], "by": ["hardware"]},
                 {"counts": "bottleneck", "by": ["hardware"]}, {"histogram": "step_time", "edges": ["1ms", "10ms"]}],
    })  # fmt: skip
    lines = printed(found, width)
    assert max(map(len, lines)) <= width
    said = " ".join(lines)
    assert "best dollars_per_million_tokens by context (18)" in said
    assert "6 more rows" in said
    assert ("columns" in said) == (width < 120)
    heading = lines[next(n for n, line in enumerate(lines) if "(18)" in line) + 2]
    assert heading.split()[:2] == ["context", "dollars_per_million_tokens"]  # what it is kept by comes first


@pytest.mark.parametrize("name", ["lecture", "hbm-and-flops", "contexts-and-batches"])
def test_examples_are_specs(name: str, run_json: Callable[..., dict[str, object]]) -> None:
    planned = run_json("sweep", str(EXAMPLES / f"{name}.toml"), "--dry-run")
    assert planned["points"] == {"lecture": 696, "hbm-and-flops": 1_764_720, "contexts-and-batches": 5_532_376}[name]
