"""What bash, zsh and fish complete, through their own protocol and the real entry point."""

import os
import shutil
import subprocess
import sys

import pytest

from steptime.model.api.completion import names_of

WORDS = {
    "a model": ("step deepseek-v3", "deepseek-v3.2"),
    "a machine": ("step gpt2 gb200", "gb200-nvl72"),
    "another machine": ("step gpt2 h100-sxm h200", "h200-sxm"),
    "a setting": ("step gpt2 h100-sxm --set memory_cap", "memory_capacity="),
    "a derivation": ("derive optimal-batch-s", "optimal-batch-short-context"),
    "an entry": ("catalog hardware tpu7", "tpu7x"),
    "a quantity": ("solve for memory_bandw", "memory_bandwidth"),
    "a format": ("step gpt2 h100-sxm --weights fp", "fp8"),
}  # fmt: skip


def answered(shell: str, typed: str) -> list[str]:
    words = ["steptime", *typed.split()]
    current = words[-1] if shell == "fish" else str(len(words) - 1)
    line = " ".join(words[:-1] if shell == "fish" else words)
    asked = {"_STEPTIME_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": current}
    done = subprocess.run([sys.executable, "-m", "steptime.cli"], env={**os.environ, **asked}, capture_output=True,
                          text=True, timeout=120, check=False)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("name", WORDS)
def test_bash_completes(name: str) -> None:
    typed, found = WORDS[name]
    assert f"plain,{found}" in answered("bash", typed)


def test_zsh_and_fish_complete_the_same() -> None:
    assert answered("zsh", "step gpt2 gb200")[:2] == ["plain", "gb200-nvl72"]
    assert "gb200-nvl72" in " ".join(answered("fish", "step gpt2 gb200"))


def test_a_file_is_completed_by_the_shell() -> None:
    assert answered("bash", "step ./") == ["file,./"]


@pytest.mark.parametrize("shell", ["zsh", "fish", pytest.param("bash", marks=pytest.mark.skipif(
    shutil.which("bash") is None, reason="bash is asked for its version"))])  # fmt: skip
def test_each_shell_has_its_script(shell: str) -> None:
    asked = {**os.environ, "_STEPTIME_COMPLETE": f"{shell}_source"}
    command = [sys.executable, "-m", "steptime.cli"]
    done = subprocess.run(command, env=asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and f"_STEPTIME_COMPLETE={shell}_complete" in done.stdout


def test_names_are_all_there() -> None:
    from steptime.model.catalog.hardware import hardware_names
    from steptime.model.catalog.transformers import transformer_names

    assert names_of("hardware") == list(hardware_names()) and names_of("models") == list(transformer_names())
    with pytest.raises(ValueError, match="models, hardware"):
        names_of("cakes")
