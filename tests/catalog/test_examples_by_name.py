"""Prices, demands and specs that the package carries, asked for by name."""

from pathlib import Path

import pytest

import steptime as st
from steptime.model.catalog.examples import FLEETS, FOLDER, PRICES, SWEEPS, examples


def test_an_example_is_its_file() -> None:
    asked = {"budget": 3e6, "layout": "tp=8", "batch": 64}
    files = ("market", FOLDER / "prices-market.toml")
    by_name, by_path = (st.machine("llama-3.1-8b", prices, **asked) for prices in files)
    assert by_name.to_dict()["resources"] == by_path.to_dict()["resources"]


@pytest.mark.parametrize("kind", [PRICES, FLEETS, SWEEPS])
def test_every_file_has_a_name(kind: str) -> None:
    folder = FOLDER / Path(kind).parent
    assert len(examples(kind)) == len(list(folder.glob(Path(kind).name.format("*")))) > 1


def test_a_file_of_ones_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("market").write_text("[compute]\n", "utf-8")
    with pytest.raises(st.UserError, match="market: "):
        st.machine("llama-3.1-8b", "market", budget=3e6)


def test_a_name_that_is_none_gets_the_best_matches(run) -> None:
    code, out, err = run("solve", "fleet", "chatt")
    assert (code, out, err) == (2, "", "error: unknown file or example 'chatt'; did you mean chat?\n")


def test_a_name_is_no_path(run) -> None:
    code, out, err = run("solve", "machine", "llama-3.1-8b", "--budget", "3e6", "--prices", "../examples/prices-market")
    assert (code, out) == (2, "") and err.count("\n") == 1
