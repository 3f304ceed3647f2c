"""Code of one scenario answers as the scenario does: in Python, in C with a real compiler, in JavaScript with node."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pages import expected

import steptime as st

Run = Callable[..., tuple[int, str, str]]
SCENARIOS: dict[str, tuple[str, ...]] = {
    "experts over domains": ("deepseek-v3", "h200-sxm", "--layout", "tp=2,dp=8,ep=16,pp=2", "--batch", "37"),
    "one whole group": ("llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--batch", "3", "--context", "100k"),
    "a prefill in chunks": ("llama-3.1-70b", "h100-sxm", "--phase", "prefill", "--layout", "tp=4,pp=2", "--batch", "5",
                            "--chunk", "512"),
    "training": ("llama-3.1-70b", "h100-sxm", "--phase", "train", "--layout", "tp=8,dp=2,pp=2", "--batch", "64",
                 "--weights", "fp8"),
    "slots set by hand": ("llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--set", "kv_bytes=320kB", "--set",
                          "active_parameters=6e10"),
    "in-flight batching": ("llama-3.1-70b", "h100-sxm", "--scope", "serving", "--output", "300", "--layout", "tp=8"),
    "in-flight batching, experts": ("deepseek-v3", "h200-sxm", "--scope", "serving", "--output", "400", "--prompt",
                                    "6000", "--layout", "tp=2,dp=8,ep=16"),
}  # fmt: skip

def answered(form: str, code: str, folder: Path) -> dict[str, float]:
    """What the code answers, run as its readers would run it."""
    if form == "python":
        space: dict[str, Any] = {}
        exec(code, space)  # our own export, never a user's text
        return dict(space["step"]())
    if form == "js":
        script = f"{code}\nconsole.log(JSON.stringify(step()));"
        done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True, timeout=60)
        return dict(json.loads(done.stdout))
    keys = code[code.index("struct step_results {") :].partition("}")[0].replace(";", " ").split()[4::2]
    known = enumerate(keys)
    lines = "".join(f', printf("%s\\"{key}\\": %.17g", "{"," * bool(place)}", r.{key})' for place, key in known)
    main = f'int main(void) {{ struct step_results r = step(step_given); printf("{{"){lines}, puts("}}"); return 0; }}'
    (folder / "one.c").write_text(f"#include <stdio.h>\n{code}{main}")
    subprocess.run(["cc", "-Wall", "-Werror", "-o", "one", "one.c", "-lm"], cwd=folder, check=True, timeout=60)
    return dict(json.loads(subprocess.run([folder / "one"], capture_output=True, check=True, timeout=60).stdout))


@pytest.mark.parametrize("form", ["python", "c", "js"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_code_answers_as_the_scenario_does(
    name: str, form: str, run: Run, run_json: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    tool = {"c": "cc", "js": "node"}.get(form)
    if tool and shutil.which(tool) is None:
        pytest.skip(f"needs {tool}")
    code, text, _ = run("latex", "step", *SCENARIOS[name], "--format", form)
    assert code == 0
    found, known = answered(form, text, tmp_path), expected(run_json("step", *SCENARIOS[name]))
    known = {key: value for key, value in known.items() if key not in ("low", "high")}  # a band is no formula
    assert {key: found[key] for key in known} == pytest.approx(known, rel=1e-9)


def test_another_number_is_an_argument() -> None:
    """Ten times the bandwidth, and another layout of as many chips: arguments, no other code."""
    space: dict[str, Any] = {}
    step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8")
    exec(step.export("python"), space)  # our own export
    assert space["step"](memory_bandwidth=33.5e12)["memory"] == pytest.approx(
        step.replace(memory_bandwidth="33.5TB/s").terms.memory.seconds, rel=1e-12)  # fmt: skip


def test_what_has_no_figure_is_left_out(tmp_path: Path) -> None:
    machine = tmp_path / "bare.toml"
    machine.write_text('name = "bare"\npeak_flops = { bf16 = "197 TFLOP/s" }\nmemory_bandwidth = "810 GB/s"\n'
                       'memory_capacity = "16 GB"\n')  # fmt: skip
    space: dict[str, Any] = {}
    exec(st.step("llama-3.2-1b", str(machine), layout="tp=1").export("python"), space)  # our own export
    found = space["step"]()
    assert "dollars_per_million_tokens" not in found and found["step_time"] > 0


def test_a_hostile_name_ends_no_comment(tmp_path: Path) -> None:
    model = tmp_path / "model.toml"
    model.write_text("name = '*/ evil(); \"\"\" \\'\nparameters = 30e9\nkv_bytes = '100 kB'\n")
    step = st.step(str(model), "h100-sxm")
    assert "*/ evil" not in step.export("js") + step.export("c")
    compile(step.export("python"), "exported", "exec")


def test_equations_of_the_terms_and_of_what_leads_to_them(run: Run) -> None:
    code, text, _ = run("latex", "step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8")
    assert code == 0 and text.count("\\[") == text.count("\\]") > 10
    assert r"\[ \kappa = " in text


def test_an_unknown_form_and_a_missing_machine_are_one_line(run: Run) -> None:
    with pytest.raises(st.UserError, match="latex, markdown, python, c or js"):
        st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").export("fortran")
    code, out, err = run("latex", "step", "llama-3.1-70b")
    assert (code, out, err.count("\n")) == (2, "", 1)
