"""``plot``: files, numbers, and what is said where there is neither."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pictures import ROWS

import steptime as st
from steptime.model.plot.kinds import HOMES
from steptime.model.view.plot import plot

STEP = ("llama-3.1-70b", "h200-sxm", "--context", "500")
needs_matplotlib = pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs the extra plot")


def refused(run, *arguments: str) -> str:
    code, out, err = run("plot", *arguments)
    assert code == 2 and out == "" and err.count("\n") == 1
    return str(err)


@needs_matplotlib
@pytest.mark.parametrize(("form", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_picture_is_a_file(run, tmp_path: Path, form: str, magic: bytes) -> None:
    place = tmp_path / f"memory.{form}"
    assert run("plot", "memory", *STEP, "-o", str(place)) == (0, "", "")
    assert place.read_bytes().startswith(magic)


@needs_matplotlib
def test_a_picture_and_its_numbers_at_once(run, tmp_path: Path) -> None:
    code, out, err = run("plot", "memory", *STEP, "--dark", "-o", str(tmp_path / "memory.svg"), "--csv")
    assert (code, err) == (0, "") and out.startswith("bar,part,memory of a chip [B]")
    assert "#14171c" in (tmp_path / "memory.svg").read_text().lower()


def test_without_matplotlib_the_extra_is_named(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    place = tmp_path / "memory.png"
    assert "install steptime[plot]" in refused(run, "memory", *STEP, "-o", str(place))
    assert not place.exists()
    with pytest.raises(st.UserError, match=r"steptime\[plot\]"):
        st.step("gpt2", "l4").plot("memory")


def test_numbers_need_no_matplotlib(run, run_json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    asked = ("plot", "batch", *STEP)
    code, out, err = run(*asked, "--csv")
    chart = st.step("llama-3.1-70b", "h200-sxm", context=500).chart("batch")
    assert (code, out, err) == (0, chart.csv(), "")
    assert run(*asked, "-o", str(tmp_path / "batch.csv")) == (0, "", "")
    assert (tmp_path / "batch.csv").read_text() == out
    assert run_json(*asked) == json.loads(json.dumps(chart.to_dict()))


@pytest.mark.parametrize(("kind", "arguments"), [
    ("cost", STEP), ("context", STEP),
    ("cost", (*STEP[:2], "--scope", "serving", "--prompt", "1000", "--output", "200")),
    ("roofline", STEP), ("breakdown", STEP),
    ("memory", (*STEP, "--against", "tp=4", "--against", "tp=8")),
    ("sensitivity", (*STEP, "--minimise", "cost", "--limit", "batch<=64")),
    ("schedule", ("llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", "pp=4", "--batch", "8")),
    ("tiers", ("deepseek-v3", "h100-sxm", "--context", "32k")),
    ("spend", ("llama-3.1-8b", "--prices", "examples/prices-market.toml", "--budget", "5e6", "--layout", "tp=8")),
    ("pareto", ("llama-3.1-8b", "h100-sxm", "h200-sxm", "--chips", "1,2", "--batch", "1,8,64")),
], ids=lambda one: one if isinstance(one, str) else "")  # fmt: skip
def test_every_kind_answers_its_own_question(run, kind: str, arguments) -> None:
    code, out, err = run("plot", kind, *arguments, "--csv")
    assert (code, err) == (0, "") and out.count("\n") > 3


def test_a_breakdown_takes_a_measurement(run) -> None:
    code, out, err = run("plot", "breakdown", *STEP, "--measured", "40ms", "--csv")
    chart = st.step(*STEP[:2], context=500).against("40ms").chart("breakdown")
    assert (code, out, err) == (0, chart.csv(), "") and "measured,measured: explained by neither," in out


def test_sensitivity_at_a_batch_is_of_the_step_as_it_stands(run) -> None:
    step = st.step(*STEP[:2], context=500, batch=200)
    assert run("plot", "sensitivity", *STEP, "--batch", "200", "--csv") == (0, step.chart("sensitivity").csv(), "")
    best = st.step(*STEP[:2], context=500).best_batch()
    assert run("plot", "sensitivity", *STEP, "--csv") == (0, best.chart("sensitivity").csv(), "")
    said = refused(run, "sensitivity", *STEP, "--batch", "200", "--minimise", "cost", "--csv")
    assert "--batch is held, so that none is chosen by --minimise" in said


def test_machines_are_searched_alone(run) -> None:
    _, out, _ = run("plot", "pareto", "llama-3.1-8b", "h100-sxm", "h200-sxm", "--chips", "1", "--batch", "1,8", "--csv")
    machines = {line.split(",")[1] for line in out.splitlines()[1:]}
    assert {"h100-sxm", "h200-sxm"} < machines


def test_measured_rows_are_told_apart(run, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(ROWS)
    code, out, err = run("plot", "truth", str(tmp_path / "rows.csv"), "--by", "model", "--csv")
    assert (code, err) == (0, "") and "llama-3.1-8b (3)" in out and "llama-3.1-70b (1)" in out
    assert "unknown column" in refused(run, "truth", str(tmp_path / "rows.csv"), "--by", "nothing", "--csv")


@pytest.mark.parametrize(("arguments", "message"), [
    (("batch", *STEP), "give -o FILE.png, FILE.svg or FILE.pdf"),
    (("batch", *STEP, "-o", "x.gif"), "the name ends in .png, .svg or .pdf"),
    (("batch", *STEP, "--csv", "--json"), "give one"),
    (("batch", *STEP, "-o", "/nowhere/x.csv"), "cannot be written"),
    (("schedule", *STEP, "--csv"), "give --phase train and a --layout with pp above 1"),
    (("memory", *STEP, "--csv", "--against", "tp=3"), "tp=3 does not divide"),
    (("batch", "llama-3.1-70b", "h20-sx", "--csv"), "did you mean"),
    (("batch", *STEP, "--range", "batch=1..2", "--csv"), "No such option"),
], ids=str)  # fmt: skip
def test_what_cannot_be_drawn_is_said_in_one_line(run, arguments, message: str) -> None:
    assert message in refused(run, *arguments)


MACHINE = """name = "toy"
peak_flops = { bf16 = "197 TFLOP/s" }
memory_capacity = "80 GB"
scale_up_bandwidth = "90 GB/s"
scale_up_domain = 16
"""


@pytest.mark.parametrize("kind", ["batch", "cost", "context", "roofline", "regimes", "breakdown", "sensitivity"])
def test_a_missing_figure_is_named_and_nothing_is_drawn_without_it(run, tmp_path: Path, kind: str) -> None:
    (tmp_path / "toy.toml").write_text(MACHINE)
    said = refused(run, kind, "llama-3.1-8b", str(tmp_path / "toy.toml"), "--layout", "tp=2", "--csv")
    assert "toy.toml: memory_bandwidth" in said


def test_there_is_a_command_for_every_kind_of_the_issue() -> None:
    answers = {"terms", "grid", "machines", "tools"}  # of crossovers, grids and comparisons, in Python
    assert set(plot.commands) == set(HOMES) - answers


def test_no_option_is_there_twice() -> None:
    for command in plot.commands.values():
        flags = [flag for one in command.params for flag in one.opts]
        assert len(flags) == len(set(flags)) and len({one.name for one in command.params}) == len(command.params)


def test_help_is_quick() -> None:
    code = ("import sys\nfrom steptime.cli import main\n"
            "try:\n    main(['plot', 'batch', '--help'])\nexcept SystemExit:\n"
            "    print([name for name in ('sympy', 'numpy', 'matplotlib') if name in sys.modules])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.endswith("[]\n")


def test_fronts_count_dollars_of_one_kind(run_json) -> None:
    """Of which a picture that compares machines says which; each machine's first basis would be another."""
    asked = ("plot", "pareto", "llama-3.1-8b", "gb200-nvl72", "b200-sxm", "--chips", "1", "--batch", "8,64")
    found = run_json(*asked)
    assert "dollars: rent" in found["about"]
    dear = {row[1]: row[3] for row in found["rows"] if row[0].startswith("tokens of a dollar")}
    listed = {row[1]: row[3] for row in run_json(*asked[:3], asked[4], *asked[5:])["rows"] if "dollar" in row[0]}
    assert dear["b200-sxm"] != pytest.approx(listed["b200-sxm"])
