"""Tiers from a file, what a user can get wrong with them, and the views of where to hold a KV cache."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from questions import cache_of

from steptime.model import symbols as q
from steptime.model.catalog.economy import figures, names, number
from steptime.model.catalog.tiers import AGAIN, MOST_TIERS, OWN, catalogue_tiers, read_tiers
from steptime.model.errors import NotSolved, UserError
from steptime.model.solver.cache.holding import CacheAnswer, solve_cache
from steptime.model.solver.recheck import recheck_cache
from steptime.model.step.solver_words import reuse_of
from steptime.model.text.cache import cache_json, ours, published
from steptime.model.text.cache_table import cache_table
from steptime.model.text.format import console

EXAMPLE = Path(__file__).parents[2] / "examples" / "tiers.toml"
FLASH = {"capacity": '"30 TB"', "bandwidth": '"14 GB/s"', "link": "10e9", "dollars": '"10 k$"', "life": '"43800 h"'}
exactly = pytest.approx


def table_of(name: str = "flash", **changes: str | None) -> str:
    """A tier as TOML, some keys changed or, with None, left out."""
    keys = {**FLASH, **changes}
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


@pytest.fixture
def read(tmp_path: Path):
    """The tiers of a text."""

    def from_text(text: str):
        path = tmp_path / "tiers.toml"
        path.write_text(text)
        return read_tiers(path)

    return from_text


def answer_to(reuse: str | None = None) -> CacheAnswer:
    return solve_cache(cache_of(), catalogue_tiers(), None if reuse is None else reuse_of(reuse))


def test_units_and_prices(read) -> None:
    (one,) = read(table_of())
    assert one.name == "flash" and one.notes == () and one.numbers == {
        q.tier_capacity: 30e12, q.tier_bandwidth: 14e9, q.link_bandwidth: 10e9,
        q.tier_second_price: exactly(10_000 / (43800 * 3600)),
    }  # fmt: skip
    (by_byte,) = read(table_of(dollars=None, dollars_per_byte='"0.5 $/GB"', note='"a note"'))
    assert by_byte.numbers[q.tier_second_price] == exactly(15_000 / (43800 * 3600))


def test_a_chip_is_filled_no_faster_than_the_tier_is_read(read) -> None:
    (one,) = read(table_of(link='"55 GB/s"'))
    assert one.numbers[q.link_bandwidth] == 14e9 and "at its bandwidth" in one.notes[0]


def test_the_example_agrees_with_the_catalogue() -> None:
    """The example states the same figures for the tiers that the catalogue has too."""
    example, own = ({tier.name: tier.numbers for tier in tiers} for tiers in (read_tiers(EXAMPLE), catalogue_tiers()))
    for name, same in (("ddr", "ddr"), ("nvme-drive", "nvme"), ("disk", "disk")):
        assert {s.name: v for s, v in example[name].items()} == exactly({s.name: v for s, v in own[same].items()})
    assert len(example) == 4


def test_doubtful_figures_of_the_catalogue_are_named() -> None:
    found = " ".join(text for tier in catalogue_tiers() for text in tier.doubtful)
    for name in names("tier"):
        for key in ("capacity", "bandwidth", "link", "dollars_per_byte"):
            assert (f"{name} {key} " in found) == figures("tier", name)[key].doubtful
    assert f"{number('tier_life', 'years'):g}" in found


@pytest.mark.parametrize(("text", "said"), [
    ("", "no tier in it"),
    ("ddr = 3\n", "[ddr]: expected a table"),
    (table_of(capacity=None), "[flash] capacity is missing"),
    (table_of(life=None), "[flash] life is missing"),
    (table_of(dollars=None), "[flash]: give dollars"),
    (table_of(dollars_per_byte="1e-9"), "and not both"),
    (table_of(bandwith="3"), "{file}: [flash]: unknown key 'bandwith'; did you mean bandwidth"),
    (table_of(bandwidth='"14 GB"'), "[flash] bandwidth: '14 GB' is in B, expected B/s"),
    (table_of(dollars="0"), "[flash] dollars: 0 must be positive"),
    (table_of(capacity="inf"), "[flash] capacity"),
    (table_of(capacity="-3"), "[flash] capacity"),
    (table_of(capacity="true"), "[flash] capacity"),
    (table_of(life='"43800 hours"'), "[flash] life"),
    (table_of(note="3"), "[flash] note: expected text"),
    (table_of("hbm"), "[hbm]: this name is taken"),
    (table_of("Rematerialise"), "this name is taken"),
    (table_of('"' + "x" * 41 + '"'), "at most 40 characters"),
    (table_of() + table_of(), "not valid TOML"),
    ("\n".join(table_of(f"t{number}") for number in range(MOST_TIERS + 1)), "at most 50"),
])  # fmt: skip
def test_files_that_cannot_be_used(read, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        read(text)
    message = str(refused.value)
    assert said.format(file=tmp_path / "tiers.toml") in message and str(tmp_path / "tiers.toml") in message
    assert "\n" not in message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_tiers(tmp_path / "none.toml")


@pytest.mark.parametrize(("text", "said"), [
    ("", "unknown distribution"),
    ("lomx shape=1", "did you mean lomax"),
    ("exponential", "mean is missing"),
    ("lomax shape=1.5", "scale is missing"),
    ("exponential mean=10min scale=3s", "unknown key of exponential in `reuse`: 'scale'"),
    ("exponential mean", "expected NAME=VALUE"),
    ("exponential mean=10min mean=3", "given twice"),
    ("exponential mean=10GB", "is in B, expected s"),
    ("exponential mean=-3", "must be positive"),
    ("exponential mean=nan", "must be positive"),
    ("exponential mean=__import__('os')", "is not a number"),
    ("exponential mean=1h share=1.5", "at most 1"),
    ("exponential mean=1h share=0", "must be positive"),
    ("weibull shape=1.2 scale=1h", "the hazard rises"),
    ("weibull shape=0.01 scale=1h", "between 0.05 and"),
    ("lomax shape=1e9 scale=1h", "between 0.05 and"),
])  # fmt: skip
def test_distributions_that_cannot_be_used(text: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        reuse_of(text)
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(("options", "said"), [
    ({"context": "1"}, "--context"),
    ({"context": "3 GB"}, "context"),
    ({"sets": ("batch=3",)}, "--set batch says nothing here"),
    ({"sets": ("tensor_parallel=8",)}, "--set tensor_parallel says nothing here"),
    ({"sets": ("cached=8",)}, "--set cached says nothing here"),
    ({"sets": ("prompt=8",)}, "--context"),
    ({"sets": ("tier_capacity=8GB",)}, "tiers are stated with --tiers"),
    ({"sets": ("context=8", "context=9")}, "given twice"),
    ({"model": "deepseek-v33"}, "did you mean"),
])  # fmt: skip
def test_questions_that_cannot_be_used(run, options: dict[str, Any], said: str) -> None:
    sets = [part for text in options.get("sets", ()) for part in ("--set", text)]
    context = ["--context", options["context"]] if "context" in options else []
    code, out, err = run("solve", "cache", options.get("model", "deepseek-v3"), "h100-sxm", *context, *sets)
    assert (code, out, err.count("\n")) == (2, "", 1) and said in err
    if said != "given twice":  # the command line alone can be told so
        with pytest.raises(UserError):
            cache_of(**{"context": None, **options})


@pytest.mark.parametrize("missing", ["chip_hour_price", "memory_capacity"])
def test_a_missing_figure_is_named_with_its_file(tmp_path: Path, missing: str) -> None:
    keys = {"peak_flops": "1e15", "memory_bandwidth": "3e12", "memory_capacity": "80e9", "chip_hour_price": "2.0"}
    path = tmp_path / "chip.toml"
    path.write_text("".join(f"{key} = {value}\n" for key, value in keys.items() if key != missing))
    with pytest.raises(UserError) as refused:
        solve_cache(cache_of("llama-3.1-8b", str(path)), catalogue_tiers())
    assert f"{path}: {missing} is missing" in str(refused.value)
    found = solve_cache(cache_of("llama-3.1-8b", str(path), sets=(f"{missing}=9e8",)), catalogue_tiers())
    assert found.choices[0].rate > 0


def test_what_is_never_asked_for_is_never_held_for_ever() -> None:
    data = cache_json(answer_to("lomax shape=1.5 scale=5min share=0.6"))
    alone = data["reuse"]["each_alone"]
    assert alone.pop(AGAIN) == exactly(0.6 * data["choices"][-1]["fixed"]) and set(alone.values()) == {None}
    assert data["reuse"]["policy"][-1] == {"choice": AGAIN, "from": exactly(7527.27, rel=1e-5), "to": None}
    json.dumps(data, allow_nan=False)


def test_published_prices_beside_ours() -> None:
    rows = {row["model"]: row for row in published()}
    assert rows["claude-opus-5"] == {"model": "claude-opus-5", "read": 0.1, "write_5m": 1.25, "hold_5m": 0.25,
        "total_5m": exactly(0.35), "write_1h": 2.0, "hold_1h": 1.0, "total_1h": exactly(1.1),
        "source": ["ANTHROPIC"], "date": "2026"}  # fmt: skip
    assert rows["gpt-4o"]["read"] == 0.5 and rows["gpt-4o"]["hold_5m"] is None and "gemini-1.5-pro" not in rows
    answer = answer_to()
    again = answer.choices[-1].fixed
    for term, seconds in (("5m", 300.0), ("1h", 3600.0)):
        least = min(choice.cost(seconds) for choice in answer.choices)
        assert ours(answer)[term]["total"] == exactly(least / again, rel=1e-12)


@pytest.mark.parametrize("reuse", [None, "exponential mean=10min", "weibull shape=0.5 scale=2h share=0.6"])
def test_the_table_says_what_the_object_says(reuse: str | None) -> None:
    answer = answer_to(reuse)
    printer = console()
    with printer.capture() as captured:
        printer.print(cache_table(answer))
    text = captured.get()
    assert "1.56 s to 55.4 min" in text and "rematerialise always" in text and "doubtful figures" in text
    assert ("asked for again" in text) == (reuse is not None)


def test_drain_times() -> None:
    found = {choice.name: choice.drain_time for choice in answer_to().choices}
    assert found == {OWN: exactly(85899345920 / 3.35e12), "ddr": exactly(2473901162496 / 1.2288e12),
                     "nvme": exactly(30.72e12 / 14e9), "disk": exactly(30e12 / 275e6), AGAIN: None}  # fmt: skip


def test_the_context_may_be_set_and_is_shown_as_a_default() -> None:
    assert solve_cache(cache_of("llama-3.1-8b", sets=("context=8k",)), ()).context == 8000
    usual = solve_cache(cache_of("llama-3.1-8b", context=None), ())
    assert usual.context == 4096 and "context 4096" in map(str, usual.defaults)


def test_a_tier_of_any_name_is_printed_as_it_is_written(run, tmp_path) -> None:
    file = tmp_path / "tiers.toml"
    body = 'capacity = "1 TB"\nbandwidth = "100 GB/s"\nlink = "50 GB/s"\ndollars = 1000\nlife = "43800 h"\n'
    file.write_text("".join(f'["{name}"]\n{body}' for name in ("[/red]", "[bold]x")))
    code, out, _ = run("solve", "cache", "llama-3.1-8b", "h100-sxm", "--tiers", str(file), "--range",
                       "chip_hour_price=1..5")  # fmt: skip
    assert code == 0 and "[/red]" in out and "[bold]x" in out


@pytest.mark.parametrize("text", ["exponential mean=5e-324", "exponential mean=1s share=1e-20",
                                  "lomax shape=0.5 scale=1e-320"])  # fmt: skip
def test_numbers_beyond_all_sense_are_refused(run, text) -> None:
    code, out, err = run("solve", "cache", "llama-3.1-8b", "h100-sxm", "--reuse", text)
    assert (code, out, err.count("\n")) == (2, "", 1) and "--reuse" in err


CHECKED = ("exponential mean=10min", "lomax shape=1.5 scale=5min share=0.6", "weibull shape=0.5 scale=10min",
           "weibull shape=0.5 scale=10min share=0.6")  # fmt: skip


@pytest.mark.parametrize("text", CHECKED)
def test_an_answer_that_fails_its_check_is_an_error(text) -> None:
    answer = solve_cache(cache_of(), catalogue_tiers(),
                         reuse_of(text))  # fmt: skip
    found = recheck_cache(answer)
    assert max(found.primal, found.stationarity) < 1e-9
    with pytest.raises(NotSolved, match="primal"):
        recheck_cache(replace(answer, envelope=answer.envelope[::-1][:1]))
    moved = tuple(replace(span, end=span.end * 1.01) for span in answer.policy.spans)
    if len(moved) > 1:
        with pytest.raises(NotSolved, match="stationarity"):
            recheck_cache(replace(answer, policy=replace(answer.policy, spans=moved)))
