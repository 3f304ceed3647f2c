"""The README says what is true today: its generated parts are up to date, its commands are the commands."""

import re
import shlex
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


def test_it_is_read_in_a_few_minutes() -> None:
    assert len(README.read_bytes()) <= 8192


def test_its_picture_is_of_today(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn anew by the command that stands above it; the bytes are those of the matplotlib that is pinned."""
    matplotlib = pytest.importorskip("matplotlib")
    if f"matplotlib=={matplotlib.__version__} " not in (ROOT / ".ci" / "tools.txt").read_text("utf-8"):
        pytest.skip("another matplotlib than the one that is pinned")
    from steptime.cli import main

    command = re.search(r"`steptime (plot .*?)`:\n\n!\[.*?\]\((.*?)\)", README.read_text("utf-8"), re.DOTALL)
    assert command is not None
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(shlex.split(command[1]))
    assert not stopped.value.code
    assert (tmp_path / "step.svg").read_bytes() == (ROOT / command[2]).read_bytes()
