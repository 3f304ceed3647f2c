"""Help shows every option once, in its group; groups hold no name that no command has."""

import re

import click
import pytest

from steptime.cli import steptime
from steptime.model.view.grouped import GROUPS, OWN, grouped


def commands(group: click.Group, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    found: dict[tuple[str, ...], click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, (*path, name))
        else:
            found[*path, name] = command
    return found


COMMANDS = commands(steptime)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_shows_every_option_once(path: tuple[str, ...], run) -> None:
    code, out, err = run(*path, "--help")
    assert (code, err) == (0, "")
    options = [one for one in COMMANDS[path].params if isinstance(one, click.Option)]
    listed = out[re.search(r"^\w+:$", out, re.MULTILINE).start() :]
    for option in options:
        found = re.findall(rf"^  (?:-\w, )?{re.escape(option.opts[-1])}(?= |$)", listed, re.MULTILINE)
        assert len(found) == 1, option.opts
    titles = re.findall(r"^(\w+):$", out, re.MULTILINE)
    assert titles == [title for title in (OWN, *GROUPS) if title in titles] and titles[-1] == "Output"
    assert out.index("--help") > out.index("\nOutput:")


def test_a_scenario_is_in_its_groups(run) -> None:
    parts = re.split(r"^(\w+):$", run("step", "--help")[1], flags=re.MULTILINE)
    shown = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert [*shown] == [OWN, *GROUPS]
    for group, option in {"Scenario": "--batch", "Training": "--zero", "Layout": "--layout", "Formats": "--kv",
                          "Output": "--json", OWN: "--measured"}.items():  # fmt: skip
        assert f"  {option} " in shown[group]


def test_every_name_of_a_group_is_an_option_somewhere() -> None:
    known = {one.name for command in COMMANDS.values() for one in command.params}
    assert {name for names in GROUPS.values() for name in names} <= known
    assert sum(len(names) for names in GROUPS.values()) == len({name for names in GROUPS.values() for name in names})


def test_no_option_is_lost() -> None:
    for command in COMMANDS.values():
        options = [one for one in command.params if isinstance(one, click.Option)]
        assert sorted(one.name for _, found in grouped(options) for one in found) == sorted(one.name for one in options)
