"""--csv beside --json on every list: the same rows, one heading."""

import csv
import io

import pytest

LISTS = {
    "hardware": (("catalog", "hardware"), "hardware"),
    "models": (("catalog", "models"), "models"),
    "quantities": (("catalog", "quantities", "bandwidth"), "quantities"),
    "derivations": (("derive", "5"), "derivations"),
}  # fmt: skip


def rows_of(run, *arguments: str) -> list[dict[str, str]]:
    code, out, err = run(*arguments, "--csv")
    assert (code, err) == (0, "")
    return list(csv.DictReader(io.StringIO(out)))


@pytest.mark.parametrize("name", LISTS)
def test_the_rows_are_those_of_the_json(name: str, run, run_json) -> None:
    arguments, key = LISTS[name]
    rows, found = rows_of(run, *arguments), run_json(*arguments)[key]
    assert [row["name"] for row in rows] == [one["name"] for one in found]
    code, out, err = run(*arguments, "--csv", "--json")
    assert (code, out) == (2, "") and "two forms of the answer" in err


def test_figures_are_in_base_units(run) -> None:
    chip = next(row for row in rows_of(run, "catalog", "hardware") if row["name"] == "h100-sxm")
    assert float(chip["quantities.memory_bandwidth"]) == 3.35e12
    figures = {row["name"]: row for row in rows_of(run, "catalog", "hardware", "h100-sxm")}
    assert float(figures["memory_bandwidth"]["value"]) == 3.35e12 and figures["chip_hour_price"]["conflicts"] != "0"


def test_one_derivation_is_no_list(run) -> None:
    code, out, err = run("derive", "ridge", "--csv")
    assert (code, out) == (2, "") and "one derivation" in err


def test_a_quantity_is_found_by_name_and_by_meaning(run, run_json) -> None:
    (one,) = run_json("catalog", "quantities", "memory_bandwidth")["quantities"]
    assert (one["letter"], one["unit"], one["integer"]) == ("W", "B/s", False)
    assert "kv_bytes" in [each["name"] for each in run_json("catalog", "quantities", "KV cache")["quantities"]]
    code, out, err = run("catalog", "quantities", "no such thing")
    assert (code, out) == (2, "") and "no quantity" in err


def test_derivations_are_found_by_chapter_row_and_word(run, run_json) -> None:
    for word, name in {"12": "service-balance", "1.5": "optimal-batch", "hyperbola": "memory-cost"}.items():
        assert name in [one["name"] for one in run_json("derive", word)["derivations"]]
    overview = run("derive")[1]
    assert "13  Fleets" in overview and len(overview.splitlines()) < 40
    code, out, err = run("derive", "no-such-thing")
    assert (code, out) == (2, "") and "unknown derivation" in err


def test_units_of_squares_have_no_prefix(run) -> None:
    assert "s²" in run("derive", "cycle-square")[1] and "µs" not in run("derive", "cycle-square")[1]
