"""Short names of sources: each is written out, with a link that its own rows state, in the catalogue, beside measured
rows, and in the documentation."""

import re
from pathlib import Path

import pytest

import steptime as st
from steptime.model.catalog import economy, hardware
from steptime.model.catalog.measured_by import measured_by, sources
from steptime.model.catalog.measurement import catalogue, family_of
from steptime.model.errors import UserError


def test_every_source_of_measurements_is_written_out() -> None:
    families = {family_of(row.id) for row in catalogue()}
    assert families == set(measured_by())
    for one in measured_by().values():
        assert one.link.startswith("https://") and len(one.title) > 5


def test_links_are_those_that_the_rows_state() -> None:
    """A repository, a paper's number or a page: as the source of most of its rows has it."""
    stated: dict[str, list[str]] = {}
    for row in catalogue():
        stated.setdefault(family_of(row.id), []).append(row.source)
    for name, one in measured_by().items():
        path = one.link.removeprefix("https://").split("/", 1)[1]
        part = "/".join(re.sub("^(abs|p)/", "", path).split("/")[:2])
        assert sum(part in text for text in stated[name]) >= len(stated[name]) / 2, name


def test_sources_of_figures_are_listed_too() -> None:
    found = sources()
    assert len(found) == len(measured_by()) + len(hardware.sources()) + len(economy.sources())
    assert sum(one.rows or 0 for one in found) == len(catalogue())
    assert [one.name for one in sources("RUNPOD")] == ["RUNPOD"]
    assert {one.name for one in sources("dgxc")} >= {"TRN-DGXC", "COL-NCCL-H100"}


def words(run, *asked: str) -> str:
    code, out, err = run(*asked)
    assert code == 0, err
    return " ".join(out.split())


def test_the_catalogue_writes_a_name_out(run, run_json) -> None:
    said = words(run, "catalog", "sources", "sil")
    assert "SIL: NVIDIA, aiconfigurator: samples measured on silicon, 352 rows" in said
    assert "https://github.com/ai-dynamo/aiconfigurator" in said
    (found,) = run_json("catalog", "sources", "IX")["sources"]
    assert found["rows"] == sum(family_of(row.id) == "IX" for row in catalogue()) and found["of"] == "measurements"
    code, _, err = run("catalog", "sources", "nobody-at-all")
    assert code == 2 and "no source has 'nobody-at-all' in its name or title" in err
    assert "name,title,of,rows,link,date" in run("catalog", "sources", "--csv")[1]
    with pytest.raises(UserError, match="hardware, models, quantities or sources"):
        st.catalogue("source")


def test_names_are_written_out_beside_measured_rows(run, tmp_path: Path) -> None:
    lines = (Path(st.__file__).parent / "model/catalog/measurements.csv").read_text("utf-8").splitlines()
    chosen = [next(line for line in lines if line.startswith(name)) for name in ("INF-FT-", "IX-")]
    path = tmp_path / "two.csv"
    path.write_text("\n".join([lines[0], *chosen, ""]), "utf-8")
    said = words(run, "validate", str(path), "--by", "source")
    for name in ("INF-FT", "IX"):
        assert f"{name}: {measured_by()[name].title}" in said
    assert "INF-FT: " not in words(run, "validate", str(path))
