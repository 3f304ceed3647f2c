"""A grid is the step at each of its points, and refuses what is no axis."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import steptime as st

MODELS = ("llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "gemma-2-27b")
"""Dense, MoE, latent attention with MoE, windows."""

LAYOUTS = ("tp=8", "tp=4,dp=2,ep=8", "tp=2,dp=8,ep=8", "dp=16,ep=8,copies=per-expert", "dp=16,ep=8,copies=per-domain",
           "tp=4,dp=2,pp=2,ffn=all", "tp=4,cp=2,replicas=2")  # fmt: skip


def possible(model: str) -> tuple[str, ...]:
    """Layouts that leave experts whole, where a model has none."""
    return LAYOUTS if model in MODELS[1:3] else tuple(one for one in LAYOUTS if "ep=" not in one)


OUTPUTS = ("step_time", "tokens_per_second", "dollars_per_million_tokens")


def at(step: st.Step, name: str) -> Any:
    return {"step_time": step.time}.get(name) or getattr(step, name)


@settings(max_examples=25)
@given(some.data())
def test_every_point_is_the_step_there(data: some.DataObject) -> None:
    model = data.draw(some.sampled_from(MODELS))
    layouts = data.draw(some.lists(some.sampled_from(possible(model)), min_size=1, max_size=3, unique=True))
    axes = {
        "batch": data.draw(some.lists(some.integers(1, 8192), min_size=1, max_size=3)),
        "context": data.draw(some.lists(some.integers(1, 200_000), min_size=1, max_size=2)),
        "memory_bandwidth": data.draw(some.lists(some.floats(1e12, 1e13), min_size=1, max_size=2)),
    }
    kept = data.draw(some.lists(some.sampled_from(sorted(axes)), min_size=1, unique=True))
    axes = {name: axes[name] for name in kept}
    step = st.step(model, "h100-sxm", layout=layouts[0])
    grid = step.over(layouts, **axes)
    assert grid.shape == (len(layouts), *map(len, axes.values()))
    for place in np.ndindex(grid.shape):
        point = {name: values[index] for (name, values), index in zip(axes.items(), place[1:], strict=True)}
        alone = step.replace(layout=layouts[place[0]], **point)
        for name in OUTPUTS:
            assert getattr(grid, name)[place] == pytest.approx(at(alone, name), rel=1e-12), (name, point)
        for name, term in zip(alone.terms._fields, alone.terms, strict=True):
            assert grid.term(name)[place] == pytest.approx(term.seconds, rel=1e-12, abs=1e-30), (name, point)


def test_tokens_go_to_experts_the_faster_way_at_each_point() -> None:
    """Over a slow link, once to each domain; each layout that leaves it open has the lesser time of both ways."""
    step = st.step("deepseek-v3", "h100-sxm", layout="dp=16,ep=16", scale_out_bandwidth="5GB/s")
    both = ["dp=16,ep=16", "dp=16,ep=16,copies=per-domain", "dp=16,ep=16,copies=per-expert"]
    batches = np.geomspace(16, 65536, 7).round()
    free, domain, expert = step.over(both, batch=batches).step_time
    assert (free == np.minimum(domain, expert)).all() and (domain != expert).any()
    for batch, seconds in zip(batches, free, strict=True):
        assert seconds == pytest.approx(step.replace(batch=batch).time, rel=1e-12)


def test_the_term_that_binds_is_that_of_the_step() -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2", context=100)
    batches = [1, 64, 1024, 65536]
    names = [("compute", "memory", "interconnect")[place] for place in step.over(batch=batches).bound_by]
    assert names == [step.replace(batch=batch).bound_by for batch in batches] and len(set(names)) > 1


@pytest.mark.parametrize("phase", ["prefill", "train"])
def test_other_phases(phase: str) -> None:
    length = {"prefill": "prompt", "train": "sequence"}[phase]
    step = st.step("mixtral-8x7b", "h100-sxm", phase=phase, layout="tp=2,dp=4,ep=8", batch=64)
    found = step.over(**{length: ["1k", 4000]}).step_time
    for value, seconds in zip((1000, 4000), found, strict=True):
        assert seconds == pytest.approx(step.replace(**{length: value}).time, rel=1e-12)


def test_a_table_has_a_column_for_each_axis_and_output() -> None:
    step = st.step("llama-3.1-8b", "h100-sxm", layout="tp=2")
    pytest.importorskip("pandas")
    table = step.over(["tp=2", "tp=1"], batch=[1, 2, 4], context=["1k", "2k"]).to_pandas()
    assert type(table).__name__ == "DataFrame" and len(table) == 12
    assert list(table.columns) == [
        "layout", "batch", "context", "step_time", "tokens_per_second", "tokens_per_second_per_sequence",
        "dollars_per_million_tokens", "joules_per_token",
    ]  # fmt: skip
    row = table[(table["batch"] == 4) & (table["context"] == 2000) & table["layout"].str.startswith("tp=1")].iloc[0]
    alone = step.replace(batch=4, context=2000, layout="tp=1")
    assert row["step_time"] == pytest.approx(alone.time, rel=1e-12)
    assert row["joules_per_token"] == pytest.approx(alone.to_dict()["joules_per_token"], rel=1e-12)


def test_what_has_no_figure_is_nan() -> None:
    grid = st.step("llama-3.1-8b", "tpu7x").over(batch=[1, 2])
    assert np.isnan(grid.dollars_per_million_tokens).all() and np.isfinite(grid.step_time).all()
    across = st.step("llama-3.1-8b", "apple-m3-ultra", layout="tp=2").over(["tp=2", "tp=1"], batch=[1, 2, 3])
    assert np.isnan(across.step_time).tolist() == [[True] * 3, [False] * 3]


def test_a_table_leaves_out_what_has_no_figure() -> None:
    pytest.importorskip("pandas")
    assert "dollars_per_million_tokens" not in st.step("llama-3.1-8b", "tpu7x").over(batch=[1, 2]).to_pandas().columns


def test_axes_are_lists_of_any_kind() -> None:
    step = st.step("gpt2", "h100-sxm")
    expected = step.over(batch=[1, 2, 3]).step_time
    for values in ((1, 2, 3), range(1, 4), np.arange(1, 4), iter("123")):
        assert (step.over(batch=values).step_time == expected).all()
    series = pytest.importorskip("pandas").Series([1, 2, 3])
    assert (step.over(batch=series).step_time == expected).all()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no axis": ({}, "at least one axis"),
    "a result": ({"step_time": [1]}, "no grid"),
    "what follows from others": ({"micro_batch": [1]}, "no grid"),
    "a degree of the layout": ({"tensor_parallel": [1, 2]}, "no grid"),
    "another phase's": ({"prompt": [1, 2]}, "no grid"),
    "unknown": ({"bacth": [1]}, "batch"),
    "twice": ({"batch": [1], " batch": [2]}, "already"),
    "negative": ({"batch": [4, -1]}, "positive"),
    "negative in an array": ({"batch": np.array([4, -1])}, "between"),
    "not finite": ({"batch": [float("nan")]}, "finite"),
    "not finite in an array": ({"batch": np.array([np.inf])}, "between"),
    "empty": ({"batch": []}, "list of values"),
    "one number": ({"batch": 64}, "list of values"),
    "one text": ({"batch": "64"}, "list of values"),
    "no order": ({"batch": {1, 2}}, "list of values"),
    "two dimensions": ({"batch": [[1, 2], [3, 4]]}, "got list"),
    "two dimensions of an array": ({"batch": np.ones((2, 2))}, "got ndarray"),
    "a text that is no quantity": ({"batch": [1, "many"]}, "not a number"),
    "another unit": ({"memory_bandwidth": ["1TB"]}, "expected B/s"),
    "truth": ({"batch": [True]}, "got bool"),
    "nothing": ({"batch": [1, None]}, "NoneType"),
    "too many": ({"batch": np.arange(1, 1e5), "context": np.arange(1, 1e5)}, "at most"),
    "one layout": ({"layout": "tp=2"}, "list of layouts"),
    "no layout": ({"layout": []}, "list of layouts"),
    "an impossible layout": ({"layout": ["tp=5"]}, "attention heads"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    axes, named = REFUSED[name]
    with pytest.raises(st.UserError, match=named) as error:
        st.step("llama-3.1-8b", "h100-sxm").over(**axes)
    assert "\n" not in str(error.value)


def test_what_a_grid_is_asked_for() -> None:
    grid = st.step("gpt2", "h100-sxm").over(batch=[1, 2])
    with pytest.raises(st.UserError, match="memory"):
        grid.term("memroy")
    with pytest.raises(st.UserError, match="SymPy"):
        grid.of("batch")
    with pytest.raises(st.Unbound, match="prompt"):
        grid.of(st.quantities("prompt")[0].symbol)
