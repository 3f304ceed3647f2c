"""How pictures lie on the page: nothing overlaps or is cut, crossovers sit on their curves, bytes are the same."""

import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from pictures import DEMAND, MARKET, ROWS, TOOLS, crossing, experts, searched, training, wrongs

import steptime as st

pytest.importorskip("matplotlib")

from steptime.model.plot.draw.figure import as_file, drawn

STEPS = {"dense": crossing, "experts": experts, "training": training}


def plotted(answer, kind=None, **words):
    """The picture, where nothing warned."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return answer.plot(kind, **words)


@pytest.mark.parametrize(("kind", "name"), [
    *((kind, "dense") for kind in st.Step.kinds if kind != "schedule"), ("schedule", "training"), ("batch", "experts"),
    ("breakdown", "experts"), ("regimes", "training"), ("context", "training"),
])  # fmt: skip
def test_nothing_of_a_step_overlaps_or_is_cut(kind: str, name: str) -> None:
    assert wrongs(plotted(STEPS[name](), kind)) == []


def rows(folder: Path):
    (folder / "rows.csv").write_text(ROWS)
    return st.validate(folder / "rows.csv")


def tools(folder: Path):
    (folder / "tools.csv").write_text(TOOLS)
    return st.compare(folder / "tools.csv")


@pytest.mark.parametrize("answer", [
    lambda _: crossing().best_batch(),
    lambda _: crossing().who_earns(),
    lambda _: crossing().crossover("memory", "interconnect", over="scale_up_bandwidth"),
    lambda _: crossing().over(batch=[1, 10, 100], context=[100, 1000]),
    lambda _: searched(),
    lambda _: st.cache("deepseek-v3", "h100-sxm", context="32k"),
    lambda _: st.machine("llama-3.1-8b", MARKET, budget=5e6, layout="tp=8", chips=8),
    lambda _: st.fleet(DEMAND),
    lambda _: st.crossover_of("llama-3.1-70b", "h200-sxm", "h100-sxm"),
    rows,
    tools,
], ids=["best batch", "earnings", "crossover", "grid", "search", "cache", "machine", "fleet", "machines", "rows",
        "tools"])  # fmt: skip
def test_nothing_of_another_answer_overlaps_or_is_cut(answer, tmp_path: Path) -> None:
    assert wrongs(plotted(answer(tmp_path))) == []


@pytest.mark.parametrize("model", ["gpt-oss-120b", "llama-3.1-70b"])
def test_ticks_of_axes_beside_each_other_do_not_collide(model: str) -> None:
    found = st.search(model, "gb200-nvl72", chips=[1, 2, 4], batch=[2**power for power in range(13)])
    assert wrongs(plotted(found, "pareto")) == []


@pytest.mark.parametrize("step", [experts, training, crossing], ids=lambda one: one.__name__)
def test_no_colour_comes_twice_but_for_another_account_of_the_same(step) -> None:
    from matplotlib.colors import to_hex

    chart = step().against(f"{1.4 * step().estimate.step_time}s").chart("breakdown")
    figure = drawn(chart)
    (legend,) = figure.legends
    names = [one.get_text() for one in legend.get_texts()]
    colours = {name: to_hex(one.get_facecolor()) for name, one in zip(names, legend.legend_handles, strict=True)
               if hasattr(one, "get_facecolor")}  # fmt: skip
    alone = {name: colour for name, colour in colours.items() if chart.same.get(name) not in colours}
    assert len({*alone.values()}) == len(alone) > 6 and wrongs(figure) == []
    assert all(colours[name] == colours[chart.same[name]] for name in colours.keys() - alone.keys())


def test_parts_too_thin_to_see_are_one_that_says_so() -> None:
    chart = experts().chart("breakdown")
    (legend,) = drawn(chart).legends
    names = [one.get_text() for one in legend.get_texts()]
    thin = [name for name, values in chart.parts.items() if name not in names]
    assert f"{len(thin)} that are too thin to see" in names and len(thin) > 2
    whole = max(sum(values) for values in zip(*chart.parts.values(), strict=True))
    assert all(max(chart.parts[name]) < 0.004 * whole for name in thin)


def test_what_is_wrong_with_a_picture_is_seen() -> None:
    figure = plotted(crossing(), "memory")
    assert wrongs(figure) == []
    figure.text(0.01, 0.99, "on the title", va="top")
    figure.text(0.9, 0.5, "a text that runs out of the page")
    figure.axes[0].set_position((0.1, 0.0, 0.8, 0.9))
    figure.canvas.draw()
    found = wrongs(figure)
    assert {one.split(":")[0] for one in found} > {"cut", "the legend lies on axes"} and len(found) > 2


@pytest.mark.parametrize(("step", "kind"), [(experts, "batch"), (crossing, "cost"), (training, "context")])
def test_crossovers_sit_on_their_curves_to_a_pixel(step, kind: str) -> None:
    """Where the marker is drawn, and where both lines are, in pixels."""
    figure, chart = plotted(step(), kind), step().chart(kind)
    axes, number = figure.axes[0], len(chart.curves)
    lines = {one.name: line for one, line in zip(chart.curves, axes.get_lines()[:number], strict=True)}
    markers = axes.get_lines()[number : number + len(chart.points)]
    crossings = [(one, marker) for one, marker in zip(chart.points, markers, strict=True) if " = " in one.name]
    assert crossings
    for point, marker in crossings:
        x, y = axes.transData.transform(np.column_stack(marker.get_data()))[0]
        for name in point.name.split(" at ")[0].split(" = "):
            places = axes.transData.transform(np.column_stack(lines[name].get_data()))
            assert abs(np.interp(x, places[:, 0], places[:, 1]) - y) < 1
        assert axes.get_window_extent().padded(1).contains(x, y)


@pytest.mark.parametrize(("kind", "form"), [
    ("batch", "svg"), ("regimes", "svg"), ("breakdown", "svg"), ("regimes", "png"), ("breakdown", "pdf"),
])  # fmt: skip
def test_a_file_has_the_same_bytes_each_time(kind: str, form: str) -> None:
    chart = crossing().chart(kind)
    first, second = (as_file(drawn(chart), form) for _ in range(2))
    assert first == second and first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form])


def test_a_dark_page_is_dark_in_its_file_to_the_corners() -> None:
    from PIL import Image

    for dark, paper in ((False, (0xFF, 0xFF, 0xFF)), (True, (0x14, 0x17, 0x1C))):
        picture = Image.open(io.BytesIO(as_file(drawn(crossing().chart("memory"), dark), "png"))).convert("RGB")
        assert picture.getpixel((1, 1)) == paper == picture.getpixel((picture.width - 2, picture.height // 2))


def test_settings_of_a_user_neither_change_nor_are_changed() -> None:
    import matplotlib

    before, chart = dict(matplotlib.rcParams), crossing().chart("memory")
    usual = as_file(drawn(chart), "svg")
    assert dict(matplotlib.rcParams) == before
    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "red", "xtick.major.size": 20}):
        assert as_file(drawn(chart), "svg") == usual


def test_every_boundary_carries_its_equation() -> None:
    figure = plotted(crossing(), "regimes")
    written = [one.get_text() for one in figure.axes[0].texts]
    assert len(written) == 1 and written[0].startswith("$B = ")


def test_pictures_need_no_pyplot_and_an_import_no_matplotlib() -> None:
    code = ("import sys, steptime as st; step = st.step('gpt2', 'l4'); assert 'matplotlib' not in sys.modules; "
            "step.plot('batch'); assert 'matplotlib.pyplot' not in sys.modules")  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
