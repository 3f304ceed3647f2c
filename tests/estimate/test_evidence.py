"""What a band rests on: rows of which models and machines; a machine that no row is of has a wider band, as wide as
rows lay off whose machine the fit had not seen, and says so."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import case_of

from steptime.model.catalog.bands import Band, Evidence, evidence
from steptime.model.catalog.coefficients import read_coefficients, shipped
from steptime.model.catalog.files import packaged
from steptime.model.errors import UserError
from steptime.model.step.estimate import estimated

FOREIGN = [("llama-3.1-70b", "mi300x"), ("llama-3.1-70b", "mi325x"), ("llama-3.1-8b", "b200-sxm")]
"""A dense model where no row of one is of the family."""


def of(model: str, hardware: str, **options) -> tuple[Evidence, tuple[str, ...]]:
    found = estimated(case_of(model, hardware, **options))
    assert found is not None and found.evidence is not None
    return found.evidence, found.outside


def test_the_shipped_bands_say_of_what_their_rows_are() -> None:
    for part in (shipped(), shipped().training):
        assert part is not None
        for name, band in part.bands.items():
            for counted in (band.models, band.machines, band.families):
                assert sum(counted.values()) == band.rows, name
        assert part.unseen["all"].rows == part.rows
        assert part.unseen["all"].groups == len(part.bands["all"].machines)


def test_a_machine_with_rows_has_its_band() -> None:
    found, outside = of("llama-3.1-70b", "h200-sxm")
    assert (found.name, found.of_machine, outside) == ("dense on hopper", 81, ())
    assert not found.wider and (found.low, found.high) == (found.band.low, found.band.high)


@pytest.mark.parametrize(("model", "hardware"), FOREIGN)
def test_without_a_row_of_the_family_the_band_is_that_of_machines_left_out(model: str, hardware: str) -> None:
    found, outside = of(model, hardware)
    everywhere = shipped().unseen["all"]
    assert (found.of_machine, found.of_family) == (0, 0) and found.wider
    assert found.low == min(found.band.low, everywhere.low) and found.high == max(found.band.high, everywhere.high)
    assert any(said.startswith("no row of models without experts on the family") for said in outside)


def test_a_machine_of_a_family_with_rows_is_not_called_outside() -> None:
    """MI325X: rows of models with experts are of MI300X, another machine of its family."""
    found, outside = of("deepseek-v3", "mi325x")
    kind = shipped().unseen["experts"]
    assert (found.of_machine, found.of_family, outside) == (0, 15, ())
    assert found.low == min(found.band.low, kind.low) and found.high == max(found.band.high, kind.high)
    assert found.wider and kind.high < 1.5


def test_pipelines_of_decoding_are_outside_where_a_file_says_so(tmp_path: Path) -> None:
    """No row of the fit decodes on a pipeline."""
    assert shipped().seen.stages == (1.0, 1.0)
    asked = {"layout": "tp=2,pp=4", "context": 4096}
    assert of("llama-3.1-70b", "h200-sxm", **asked)[1] == ("stages 4 outside 1 to 1",)
    assert of("llama-3.1-70b", "h200-sxm", **{**asked, "layout": "tp=8"})[1] == ()
    path = tmp_path / "silent.toml"
    path.write_text("".join(line for line in packaged("coefficients.toml").splitlines(True) if "stages" not in line))
    assert of("llama-3.1-70b", "h200-sxm", **asked, efficiency=str(path))[1] == ()


def test_training_on_a_machine_without_rows() -> None:
    found, outside = of("mixtral-8x7b", "a100-sxm-80gb", phase="train", layout="tp=8,dp=2")
    assert (found.of_machine, found.of_family) == (0, 0)
    assert "no row of training models with experts on the family ampere" in outside


def test_a_file_that_does_not_say_has_the_plain_band(tmp_path: Path) -> None:
    kept = [line for line in packaged("coefficients.toml").splitlines() if " = {" not in line]
    path = tmp_path / "plain.toml"
    path.write_text("\n".join(kept))
    chosen = read_coefficients(path)
    assert not chosen.bands["all"].machines and chosen.unseen
    found, outside = of("llama-3.1-70b", "mi300x", efficiency=str(path))
    assert (found.of_machine, found.wider, found.low) == (None, False, found.band.low)
    assert not any("family" in said for said in outside)


@pytest.mark.parametrize(("change", "named"), [
    (('machines = {"h200-sxm" = 157', 'machines = {"h200-sxm" = -1'), "bands.all.machines.h200-sxm: expected no less"),
    (('[unseen."all"]', '[unseen."every"]'), "unseen"),
    (('models = {"deepseek-r1" = 198', 'models = {"deepseek-r1" = "many"'), "models"),
])  # fmt: skip
def test_a_bad_count_is_one_line(tmp_path: Path, change: tuple[str, str], named: str) -> None:
    text = packaged("coefficients.toml")
    assert change[0] in text
    path = tmp_path / "bad.toml"
    path.write_text(text.replace(*change, 1))
    with pytest.raises(UserError, match=named):
        read_coefficients(path)


def test_a_band_is_never_narrower_than_its_own() -> None:
    """Rows of machines left out may lie closer together; what is said of a machine unseen is the wider of both."""
    own = Band(0.5, 1.5, 10, 4, {"a": 10}, {"one": 10}, {"kin": 10})
    closer = {"all": Band(0.9, 1.1, 10, 3)}
    found = evidence({"all": own}, closer, "dense", "kin", "two")
    assert (found.low, found.high, found.wider) == (0.5, 1.5, False)
    assert evidence({"all": replace(own, machines={})}, closer, "dense", "kin", "two").of_machine is None


# --- what is said ---
def words(run, *asked: str) -> str:
    code, out, err = run(*asked)
    assert code == 0, err
    return " ".join(out.split())


def test_what_is_thin_or_foreign_is_seen_first(run) -> None:
    said = words(run, "step", "llama-3.1-70b", "mi325x")
    assert "outside what was calibrated: no row of models without experts on the family cdna3" in said
    assert "band of 208 measured rows: none of this machine, so wider" in said
    assert "all of deepseek-r1" in words(run, "step", "gpt-oss-120b", "b200-sxm")
    assert "all of" not in words(run, "step", "deepseek-r1", "b200-sxm", "--weights", "fp8")
    assert "band of" not in words(run, "step", "llama-3.1-70b", "h200-sxm")
    assert "band of 15 measured rows" in words(run, "step", "mixtral-8x7b", "h100-sxm", "--phase", "train")


def test_a_search_and_plain_sentences_say_it_too(run) -> None:
    asked = ("solve", "layout", "llama-3.1-8b", "mi300x", "--chips", "1", "--batch", "8,64")
    assert "none of this machine, so wider" in words(run, *asked)
    assert "none of this machine, so wider" in words(run, "explain", "llama-3.1-8b", "mi300x")


def test_all_of_it_is_among_the_details_and_in_json(run, run_json) -> None:
    said = words(run, "step", "llama-3.1-70b", "h200-sxm", "-v")
    assert "its band dense on hopper: 189 measured rows in 8 groups" in said
    assert "models llama-3.1-70b 81, qwen3-32b 63, llama-3.1-8b 45" in said
    assert "wider by how far machines lay off" in words(run, "step", "llama-3.1-70b", "mi300x", "-v")
    found = run_json("step", "llama-3.1-70b", "h200-sxm")["estimate"]["evidence"]
    assert found["machines"] == {"h100-sxm": 108, "h200-sxm": 81} and found["of_machine"] == 81
