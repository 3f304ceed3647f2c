"""Rows judged together are as judged alone; groups by any columns; what rows state beside their time."""

import csv
import io
from pathlib import Path

import pytest
from conftest import case_of
from measured_rows import DECODE, SERVING, file_of, judged_of

import steptime as st
from steptime.model import symbols as q
from steptime.model.catalog.measurement import catalogue, distinct, read_measurements
from steptime.model.errors import UserError
from steptime.model.solver.measured.judged import COLUMNS, Judged, groups
from steptime.model.solver.measured.validate import validate


@pytest.fixture(scope="module")
def shipped() -> list[Judged]:
    return validate(catalogue())


def test_rows_judged_together_are_as_judged_alone(shipped: list[Judged]) -> None:
    """The first and the last row of each family, model, machine, stack, layout and quantity of the table."""
    def alike(one: Judged) -> tuple[object, ...]:
        row = one.row
        return (row.family, row.phase, row.model, row.hardware, row.stack, row.scope, row.quantity, bool(one.why))

    kinds: dict[tuple[object, ...], list[Judged]] = {}
    for one in shipped:
        kinds.setdefault(alike(one), []).append(one)
    drawn = {id(one): one for members in kinds.values() for one in (members[0], members[-1])}.values()
    assert len(drawn) > 150
    for one in drawn:
        (alone,) = validate([one.row])
        assert (alone.why, alone.bottleneck, alone.layout, alone.cache) == (
            one.why, one.bottleneck, one.layout, one.cache), one.row.id  # fmt: skip
        assert alone.implausible == one.implausible and alone.times.keys() == one.times.keys()
        for mine, theirs in zip(figures(alone), figures(one), strict=True):
            assert mine == pytest.approx(theirs, rel=1e-12) if mine is not None else theirs is None, one.row.id


def figures(one: Judged) -> list[float | None]:
    first = (one.first_token.measured, one.first_token.ideal) if one.first_token else (None, None)
    return [one.measured, one.ideal, one.in_flight, one.of_peak, *one.times.values(), *first]


def test_few_rows_are_refused(shipped: list[Judged]) -> None:
    """Below 3 % of serving rows, below 10 % of training and of disaggregated decode."""
    for kind, most in (("serving", 0.03), ("train", 0.1), ("disaggregated decode", 0.1)):
        members = [one for one in shipped if kind in (one.row.scope, one.row.kind)]
        assert len(members) > 60 and sum(bool(one.why) for one in members) < most * len(members), kind


def test_what_implies_more_than_serving_can_reach_is_named(shipped: list[Judged], tmp_path: Path) -> None:
    """All of one engine version on one machine, whose prefixes were cached, likely; modelled all the same."""
    named = [one for one in shipped if one.implausible]
    assert {(one.row.model, one.row.hardware, one.row.stack) for one in named} == {
        ("llama-3.1-8b", "h200-sxm", "vllm 0.12.0")}  # fmt: skip
    assert all(one.ideal and not one.why and (one.of_peak or 0) > 0.65 for one in named)
    # 64 sequences that each generate 10 tokens: 63/(64·9) prompts for each of 64 ride in a step, 7 of 1000 tokens.
    row = {**SERVING, "batch": "64", "output": "10", "context": "1005", "detail": "inflight=64", "value": "0.25"}
    one = judged_of(tmp_path, **row)
    prompts = 7 * case_of("llama-3.1-70b", "h100-sxm", phase="prefill", batch="1", prompt="1000", layout="tp=8",
                          weights="fp8").scenario.evaluate(q.step_time)  # fmt: skip
    assert one.of_peak == pytest.approx(prompts / (0.25 - (one.ideal or 0)), rel=0.02) and not one.implausible
    slow = judged_of(tmp_path, **{**row, "value": "0.08"})
    assert "fp8 peak: prefixes were cached, likely" in slow.implausible and slow.ideal == one.ideal


def test_the_time_to_the_first_token_is_a_prefill_and_the_rest(tmp_path: Path) -> None:
    one = judged_of(tmp_path, **{**SERVING, "detail": "inflight=16;ttft_s=0.5"})
    alone = case_of("llama-3.1-70b", "h100-sxm", phase="prefill", batch="1", prompt="1000", layout="tp=8",
                    weights="fp8", kv="fp8").scenario.evaluate(q.step_time)  # fmt: skip
    assert one.first_token is not None and one.first_token.ideal == alone
    assert one.first_token.queue == pytest.approx(0.5 - alone)
    assert judged_of(tmp_path, **SERVING).first_token is None
    elsewhere = {**DECODE, "prompt": "1000", "output": "200", "detail": "ttft_s=0.5;disaggregated=yes"}
    assert judged_of(tmp_path, **elsewhere).first_token is None


def test_energy_stands_beside_rated_powers(tmp_path: Path) -> None:
    """Eight chips at 1400 W, 2090 W with all around them, for 10 ms a step of 4 sequences: 28 J and 41.8 J."""
    row = {**SERVING, "hardware": "mi355x", "batch": "4", "value": "0.01",
           "detail": "inflight=4;power_w=500;joules_per_output_token=11"}  # fmt: skip
    one = judged_of(tmp_path, **row)
    energy = one.energy
    assert energy is not None and (energy.measured, energy.watts, energy.rated) == (11, 500, 1400)
    assert (energy.chips, energy.all_in) == pytest.approx((28, 41.8))
    assert energy.ideal == pytest.approx(28 * (one.ideal or 0) / 0.01)


def test_the_catalogue_s_energies_lie_between_ideal_and_rated(shipped: list[Judged]) -> None:
    found = [one.energy for one in shipped if one.energy]
    assert len(found) == 10
    for energy in found:
        assert energy.ideal and energy.chips and energy.all_in
        assert energy.ideal < energy.measured < energy.chips < energy.all_in


def test_rows_are_grouped_by_any_columns(shipped: list[Judged]) -> None:
    for name in COLUMNS:
        assert sum(map(len, groups(shipped, (name,)).values())) == len(shipped)
    by = groups(shipped, ("source", "kind"))
    assert {one.row.family for one in by["SIL", "decode"]} == {"SIL", "IX"}
    assert all(one.row.detail["disaggregated"] for one in by["SIL", "disaggregated decode"])


def test_groups_and_rows_on_the_command_line(tmp_path: Path, run, run_json) -> None:
    stacks = ("sglang 0.5.9", "TensorRT-LLM 1.0", "trtllm 1.0")
    rows = [{**DECODE, "id": f"S-00{place}", "hardware": "h100-sxm", "detail": f"stack={stack}"}
            for place, stack in enumerate(stacks, 1)]  # fmt: skip
    path = str(file_of(tmp_path, *rows, {**DECODE, "id": "S-004", "hardware": "=1+1"}))
    data = run_json("validate", path, "--by", "model,stack")
    assert data["by"] == ["model", "stack"] and data["summary"]["llama-3.1-70b trtllm 1.0"]["rows"] == 2
    assert set(data["rows"][0]["terms"]) == {"compute", "memory", "interconnect"} and data["rows"][0]["kv"][:3] == "fp8"
    _, out, _ = run("validate", path, "--rows", "--csv")
    table = list(csv.DictReader(io.StringIO(out)))
    assert [row["id"] for row in table] == ["S-001", "S-002", "S-003", "S-004"]
    assert float(table[0]["memory"]) == float(table[0]["ideal"]) == data["rows"][0]["ideal"]
    assert (table[3]["memory"], table[3]["hardware"], table[3]["status"][:12]) == ("", "'=1+1", "not modelled")
    _, out, _ = run("validate", path, "--csv", "--by", "stack")
    assert [line.partition(",")[0] for line in out.splitlines()] == ["stack", "sglang 0.5.9", "trtllm 1.0", "—"]


@pytest.mark.parametrize(("words", "message"), [
    (("--by", "modle"), "did you mean model"), (("--by", "model,model"), "give different columns"),
    (("--csv", "--json"), "give one"),
])  # fmt: skip
def test_what_cannot_be_grouped_by_says_so(run, words: tuple[str, ...], message: str) -> None:
    code, out, err = run("validate", *words)
    assert (code, out) == (2, "") and message in err and "Traceback" not in err


def test_another_grouping_needs_no_other_judging(tmp_path: Path) -> None:
    found = st.validate(file_of(tmp_path, {**DECODE, "id": "S-001", "hardware": "h100-sxm"}))
    assert found.by("hardware").judged == found.judged and found.by(["hardware"]).columns == ("hardware",)
    with pytest.raises(UserError, match="unknown column"):
        found.by("colour")


def test_twins_are_one_row_before_any_split(tmp_path: Path) -> None:
    """Rows alike in all but id and source; of the catalogue's, two of DeepSeek-V3's."""
    rows = [{**DECODE, "id": f"S-00{place}", "hardware": "h100-sxm", "value": value, "source": f"page {place}"}
            for place, value in enumerate(("0.02", "0.03", "0.02"), 1)]  # fmt: skip
    assert [row.id for row in distinct(read_measurements(file_of(tmp_path, *rows)))] == ["S-001", "S-002"]
    every = catalogue()
    assert {row.id for row in every} - {row.id for row in distinct(every)} == {"TRN-DSV3-022"}


def test_every_row_of_the_catalogue_says_where_it_is_from_and_what_its_source_allows() -> None:
    rows = catalogue()
    assert len(rows) == 894 and all(row.source and row.licence and not row.wrong for row in rows)
    assert {row.source_family for row in rows if row.family in ("IX", "SIL")} == {"SIL"}
    assert {row.stack.partition(" ")[0] for row in rows} == {
        "", "trtllm", "vllm", "sglang", "dynamo-trtllm", "dynamo-sglang"}  # fmt: skip
    several = [row for row in rows if "mtp" in row.detail]
    assert len(several) == 21 and sum("drafts" in row.detail for row in several) == 16
