"""Figures on which sources disagree: what others say is kept, documented and shown, and never used."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from steptime.cli import steptime
from steptime.model.catalog.conventions import problems
from steptime.model.catalog.figures import Conflict, Figure
from steptime.model.catalog.hardware import Hardware, hardware_names, load_hardware
from steptime.model.catalog.provenance import keyed

DISPUTED = [
    (name, key) for name in hardware_names() for key, figure in keyed(load_hardware(name)) if figure.conflicts
]
DERATED = Conflict(19.16e12, ("AISIM",), "2026-11", "C")


def ask(*arguments: str) -> str:
    done = CliRunner(env={"COLUMNS": "120"}).invoke(steptime, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_no_note_hides_a_conflict() -> None:
    """What another source has is a figure, not a remark."""
    notes = [(name, key, figure.note) for name in hardware_names() for key, figure in keyed(load_hardware(name))]
    assert [found for found in notes if "conflict" in found[2]] == []
    assert len(DISPUTED) >= 40


@pytest.mark.parametrize(
    ("name", "key", "value", "other"),
    [
        ("vr200-nvl72", "memory_bandwidth", 22e12, 19.16e12),
        ("vr200-nvl72", "power", 2300, 2000),
        ("gb200-nvl72", "peak_flops.bf16", 2.5e15, 2.25e15),
        ("h100-sxm", "system_power", 1370, 1275),
        ("h20-3e", "memory_bandwidth", 4.8e12, 4.0e12),
        ("h100-sxm", "prices.list", 3.99, 10.8),
    ],
)
def test_a_conflict_stands_beside_its_figure(name: str, key: str, value: float, other: float) -> None:
    figure = dict(keyed(load_hardware(name)))[key]
    assert figure.value == value and figure.doubtful
    assert [said.value for said in figure.conflicts] == [other]


@pytest.mark.parametrize("key", ["memory_bandwidth", "scale_up_bandwidth"])
def test_of_a_derated_rate_the_bound_takes_the_larger(key: str) -> None:
    figure = load_hardware("vr200-nvl72").figures[key]
    assert all(figure.value > other.value and "derated" in other.note for other in figure.conflicts)


def with_bandwidth(figure: Figure) -> Hardware:
    machine = load_hardware("vr200-nvl72")
    return replace(machine, figures={**machine.figures, "memory_bandwidth": figure})


@pytest.mark.parametrize(
    ("conflict", "doubtful", "named"),
    [
        (replace(DERATED, source=("NOWHERE",)), True, "no known source or no date"),
        (replace(DERATED, source=()), True, "no known source or no date"),
        (replace(DERATED, date="soon"), True, "no known source or no date"),
        (replace(DERATED, grade="E"), True, "no grade or is none"),
        (replace(DERATED, value=22e12), True, "no grade or is none"),
        (DERATED, False, "AISIM has 1.916e+13, but the figure is not marked doubtful"),
    ],
)
def test_a_conflict_without_provenance_is_refused(conflict: Conflict, doubtful: bool, named: str) -> None:
    figure = load_hardware("vr200-nvl72").figures["memory_bandwidth"]
    found = problems(with_bandwidth(replace(figure, doubtful=doubtful, conflicts=(conflict,))))
    assert len(found) == 1 and "memory_bandwidth: " in found[0] and named in found[0]


def test_rounding_is_no_doubt() -> None:
    figure = load_hardware("vr200-nvl72").figures["memory_bandwidth"]
    rounded = replace(figure, doubtful=False, conflicts=(replace(DERATED, value=21.8e12),))
    assert problems(with_bandwidth(rounded)) == []


def test_prices_must_be_documented_as_figures_are() -> None:
    h100 = load_hardware("h100-sxm")
    bare = {**h100.prices, "ownership": replace(h100.prices["ownership"], doubtful=False)}
    assert problems(replace(h100, prices=bare)) == [
        f"{h100.origin}: [h100-sxm] prices.ownership is recalled or a price but not marked doubtful"
    ]


# --- what is shown -------------------------------------------------------------------------------------------------


def test_an_entry_shows_who_disagrees() -> None:
    lines = ask("catalog", "hardware", "VR200", "-v").splitlines()
    taken, other = [line for line in lines if line.startswith("memory_bandwidth ")]
    assert "22 TB/s" in taken and "MLE" in taken and "doubtful" in taken
    assert "19.16 TB/s" in other and "AISIM" in other
    heading = next(place for place, line in enumerate(lines) if line.startswith("not used"))
    assert lines.index(taken) < heading < lines.index(other)
    assert any(line.startswith("AISIM: ai-dynamo/aisimulate") for line in lines)
    number = sum(len(figure.conflicts) for _, figure in keyed(load_hardware("vr200-nvl72")))
    assert f"{number} figures of others not used" in ask("catalog", "hardware", "VR200").splitlines()[-1]


def test_json_of_an_entry_has_conflicts_and_their_sources() -> None:
    data = json.loads(ask("catalog", "hardware", "vr200", "--json"))
    (other,) = data["figures"]["memory_bandwidth"]["conflicts"]
    assert (other["value"], other["source"], other["grade"]) == (19.16e12, ["AISIM"], "C")
    assert "AISIM" in data["sources"] and "conflicts" not in data["figures"]["scale_up_domain"]
    assert data["quantities"]["memory_bandwidth"] == 22e12


def test_the_list_has_one_kind_of_price_in_a_column() -> None:
    """GB200: an estimate of 3.2 is the figure that is taken, and stands in none of the columns."""
    heading, *rows = ask("catalog", "hardware").splitlines()
    assert heading.split()[-5:] == ["list", "rent", "own", "W", "all-in"]
    found = {row.split()[0]: row.split()[-5:] for row in rows[: rows.index("")]}
    assert found["h100-sxm"] == ["3.99", "3.49", "1.55", "700", "1,370"]
    assert found["gb200-nvl72"] == ["—", "2.6", "2.26", "1,200", "1,870"]
    assert found["wse-3"][-2:] == ["—", "23,000"]
    assert sum(name in found for name in hardware_names()) == len(hardware_names()) >= 65
