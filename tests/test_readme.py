"""The README says what is true today: its generated parts are up to date, its commands are the commands."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def commands() -> list[str]:
    """The commands of the first code block: one to run, one to test."""
    block = re.search(r"```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert block is not None
    return [line for line in block[1].splitlines() if line and not line.startswith("#")]


def test_two_commands_do_all_the_set_up() -> None:
    run, test = commands()
    assert run.endswith("steptime step deepseek-v3 gb200-nvl72")
    assert test.endswith("-m pytest -n auto")


def test_generated_parts_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    cog = pytest.importorskip("cogapp")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [str(ROOT), *sys.path])
    assert cog.Cog().main(["cog", "--check", "--diff", "README.md"]) == 0


def test_every_command_shown_is_run_by_cog() -> None:
    text = README.read_text("utf-8")
    shown = set(re.findall(r"^\$ (steptime .*)$", text, re.MULTILINE))
    generated = set(re.findall(r'show\("(.*?)"\)', text))
    assert shown == {f"steptime {arguments}" for arguments in generated}
