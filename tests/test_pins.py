"""What is declared is what is tried: the lowest versions, and CI's own tools with the hashes of their files."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = ("tools", "lowest")


def pins(name: str) -> dict[str, list[str]]:
    """Versions by name in a file of pins; of some there is one for older and one for newer Pythons."""
    found: dict[str, list[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([\w.]+)", text(name), re.MULTILINE):
        found.setdefault(package.lower(), []).append(version)
    return found


def text(name: str) -> str:
    return (ROOT / ".ci" / f"{name}.txt").read_text("utf-8")


def declared(*extras: str) -> dict[str, str]:
    """Lower bounds by name, of the package and of some of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    bounds = {}
    for requirement in asked:
        if not requirement.startswith("steptime["):
            name, _, least = requirement.partition(">=")
            assert re.fullmatch(r"[\d.]+", least), f"{requirement}: a lower bound and nothing else"
            bounds[name.lower()] = least
    return bounds


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_hashes_and_no_address(name: str) -> None:
    requirements = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text(name), flags=re.MULTILINE).strip())
    assert len(requirements) > 15
    assert all(re.search(r"==.*--hash=sha256:[0-9a-f]{64}", one, re.DOTALL) for one in requirements)
    assert "//" not in text(name) and "index" not in text(name)


def test_the_lowest_versions_that_are_tried_are_those_declared() -> None:
    tried = pins("lowest")
    for name, least in declared("notebook", "test").items():
        (version,) = tried[name]
        assert number(version)[: len(number(least))] == number(least), name


def test_every_tool_is_pinned_at_a_version_that_is_declared() -> None:
    pinned = pins("tools")
    for name, least in declared("notebook", "test", "dev").items():
        assert all(number(version) >= number(least) for version in pinned[name]), name
