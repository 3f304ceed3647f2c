"""The JSON of every command against its published schema: it validates, every key is described, units are said, and
keys do not change without a new version."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator
from schema_samples import SAMPLES, SLOW, paths

import steptime
from steptime.cli import steptime as command_line
from steptime.derivations.claims import judge
from steptime.derivations.library import claims
from steptime.model.api.claimed import Claims
from steptime.model.api.shown import Shown
from steptime.model.catalog.files import packaged
from steptime.model.errors import UserError
from steptime.model.plot.kinds import HOMES
from steptime.model.text.schemas import VERSIONS, schema, text_of_schema

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., dict[str, Any]]
RECORDED = json.loads(Path(__file__).with_name("schema_keys.json").read_text("utf-8"))
FURTHER = {
    "step": [["step", "deepseek-v3.2", "gb200-nvl72", "--layout", "tp=4,cp=2", "--context", "200k"],
             ["step", "gpt2", "tpuv5p", "--batch", "1", "--set", "memory_bandwidth=1TB/s"],
             ["step", "glm-4.5", "trainium2", "--layout", "tp=8,dp=4,ep=32,ffn=all", "--experts", "all"],
             ["step", "gpt3-175b", "a100-80gb", "--phase", "train", "--layout", "tp=8,pp=8", "--recompute", "full",
              "--zero", "0", "--interleave", "3"],
             ["step", "gemma-3-27b", "mi300x", "--phase", "prefill", "--scope", "steps", "--measured", "40% MFU"]],
    "solve-crossover": [["solve", "crossover", "gpt-oss-120b", "b200-sxm", "--between", "memory,interconnect",
                         "--layout", "tp=4"]],
    "solve-batch": [["solve", "batch", "mixtral-8x7b", "mi300x", "--layout", "tp=2", "--minimise", "energy"]],
    "catalog": [["catalog", "models", "kimi-k2"], ["catalog", "hardware", "tpuv5p"]],
    "solve-cache": [["solve", "cache", "deepseek-v3", "h200-sxm", "--context", "32k"]],
}  # fmt: skip
"""Questions that the schemas were not made from."""
ALL = [(name, words) for several in (SAMPLES, FURTHER) for name, questions in several.items() for words in questions]
ASKED = [(name, words) for name, words in ALL if name not in SLOW]

DESIGNED = {
    "step": "model hardware phase batch context prompt layout precision overlap efficiency missing not_modelled terms "
            "network bottleneck step_time bounds operations tokens_per_second tokens_per_second_per_sequence "
            "dollars_per_million_tokens joules_per_token mfu mbu memory_per_chip fits crossovers quantities estimate",
    "derivations": "derivations", "claims": "claims", "validate": "rows summary",
    "solve-crossover": "over closed_form latex exists_when exists value",
    "solve-batch": "values integer cost times term_prices shadow_prices slack sensitivities global attained residuals",
    "solve-layout": "points seconds infeasible best pareto global attained residuals sensitivities",
    "solve-machine": "resources spend_share step_time global attained residuals slack sensitivities",
    "solve-fleet": "dollars_per_hour replicas duals gap best_single megawatts utilisation unused",
    "solve-for": "quantity unit closed_form solutions",
}  # fmt: skip
"""Keys that scripts were promised."""


def nodes(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every place of a schema, with what it says."""
    if not isinstance(node, dict):
        return
    yield at, node
    for name, one in node.get("properties", {}).items():
        yield from nodes(one, f"{at}.{name}" if at else name)
    for part, mark in (("items", "[]"), ("additionalProperties", ".*")):
        yield from nodes(node.get(part), at + mark)


def strange(value: Any, node: Any, at: str = "") -> Iterator[str]:
    """Keys of an answer that its schema does not know."""
    if not isinstance(node, dict):
        return
    if isinstance(value, dict) and "properties" in node:
        for name, one in value.items():
            if name not in node["properties"]:
                yield f"{at}.{name}"
            yield from strange(one, node["properties"].get(name), f"{at}.{name}")
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from strange(one, node.get("additionalProperties"), f"{at}.{name}")
    elif isinstance(value, list):
        for one in value:
            yield from strange(one, node.get("items"), f"{at}[]")


@pytest.mark.parametrize(("name", "words"), ASKED, ids=[" ".join(words).replace("/", "_")[-90:] for _, words in ASKED])
def test_what_is_printed_is_what_is_published(run_json: RunJson, name: str, words: list[str]) -> None:
    found = run_json(*words)
    assert next(iter(found)) == "schema"
    fits(name, found)


def fits(name: str, found: dict[str, Any]) -> None:
    """An answer against its schema."""
    assert found["schema"] == {"name": name, "version": VERSIONS[name]}
    errors = Draft202012Validator(schema(name)).iter_errors(found)
    assert not [f"{error.json_path}: {error.message[:200]}" for error in errors]
    assert not list(strange(found, schema(name)))


# --- what takes long of everything, asked of a part -----------------------------------------------------------------
def test_a_few_measurements(run_json: RunJson, tmp_path: Path) -> None:
    """One row of each phase, scope and quantity, and those whose details ask for more: drafts, watts, first tokens."""
    rows = list(csv.DictReader(io.StringIO(packaged("measurements.csv"))))
    wanted = {(row["phase"], row["scope"], row["quantity"]): row for row in reversed(rows)}
    for word in ("mtp", "power", "joules", "ttft_s", "drafts", "peak", "dtype"):
        wanted |= {(word, row["hardware"]): row for row in rows if f"{word}=" in row["detail"]}
    wanted["strange"] = {**rows[0], "id": "STRANGE-1", "model": "of-nobody"}
    path = tmp_path / "few.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({row["id"]: row for row in wanted.values()}.values())
    found = run_json("validate", str(path))
    fits("validate", found)
    there = found["rows"]
    assert len(there) > 20 and any(row["first_token"] for row in there) and any(row["energy"] for row in there)
    assert any(row["status"] != "ok" for row in there) and any(row["calibrated"] for row in there)
    fits("validate", run_json("validate", str(path), "--efficiency", "ideal", "--by", "source,phase"))


def test_a_row_of_derivations(run_json: RunJson) -> None:
    found = run_json("derive", "1.5")
    fits("derivations", found)
    assert len(found["derivations"]) == 1 and found["derivations"][0]["verified"]


def test_claims_of_which_no_derivation_is_verified_again() -> None:
    judged = tuple(judge(claim, verified=number > 0) for number, claim in enumerate(claims()))
    found = Claims(judged).to_dict()
    fits("claims", json.loads(json.dumps(found)))
    assert {one["verdict"] for one in found["claims"]} >= {"holds", "differs", "fails"}


def test_a_small_calibration(run_json: RunJson) -> None:
    """Made-up decode steps of three models: neither training nor collectives can be fitted."""
    found = run_json("calibrate", str(Path(__file__).with_name("few_steps.csv")))
    fits("calibrate", found)
    assert (found["rows"], found["training"], found["collectives"]) == (36, None, None)
    assert found["bands"]["all"]["models"] == {"llama-3.1-8b": 12, "llama-3.1-70b": 12, "qwen3-32b": 12}


def test_a_command_of_an_engine_too() -> None:
    found = steptime.step("llama-3.1-8b", "h100-sxm").command("vllm").to_dict()
    assert found["schema"]["name"] == "command"
    Draft202012Validator(schema("command")).validate(json.loads(json.dumps(found)))


@pytest.mark.parametrize("name", VERSIONS)
def test_schemas_are_schemas_and_say_what_keys_mean(name: str) -> None:
    published = schema(name)
    Draft202012Validator.check_schema(published)
    assert published["title"] and published["description"] and published["version"] == VERSIONS[name]
    assert published["properties"]["schema"]["const"] == {"name": name, "version": VERSIONS[name]}
    assert "schema" in published["required"]
    silent = [at for at, node in nodes(published) if at and at[-1] not in "]*" and not node.get("description")]
    assert not silent


@pytest.mark.parametrize("name", DESIGNED)
def test_promised_keys_are_required(name: str) -> None:
    assert set(DESIGNED[name].split()) <= set(schema(name)["required"])


def test_times_bytes_and_dollars_say_their_unit() -> None:
    """A number that is named after a time, memory or money says in what it is counted."""
    units = {"time": ("second", "in s", "share"), "bytes": ("byte",), "dollars": ("dollar",), "joules": ("joule", "J/")}
    for name in VERSIONS:
        for at, node in nodes(schema(name)):
            key, said = at.rsplit(".", 1)[-1], node.get("description", "")
            if "number" in node.get("type", "") and said:
                for part in units.keys() & set(key.split("_")):
                    assert any(unit in said for unit in units[part]), f"{name}: {at}: {said}"


@pytest.mark.parametrize("name", VERSIONS)
def test_keys_change_with_the_version_alone(name: str) -> None:
    """Who changes what a schema holds raises its version, and records the keys of the new one: .ci/schemas.py."""
    assert RECORDED[name][str(VERSIONS[name])] == sorted(paths(schema(name)))
    assert sorted(map(int, RECORDED[name])) == list(range(1, VERSIONS[name] + 1))


def answers(kind: type = Shown) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from answers(one)


def test_every_answer_names_a_schema() -> None:
    for name in steptime.__all__:
        getattr(steptime, name)  # rooms of the API are opened as they are asked for
    complete = [one for one in answers() if not getattr(one, "__abstractmethods__", None)]
    assert len(complete) > 15
    assert not [one.__name__ for one in complete if named(one) not in VERSIONS]


def named(kind: type) -> str:
    """The schema that a class of answers names."""
    return str(getattr(kind, "schema", ""))


def commands(group: click.Group) -> Iterator[click.Command]:
    for one in group.commands.values():
        if isinstance(one, click.Group):
            yield from commands(one)
        else:
            yield one


def test_every_command_with_json_is_asked() -> None:
    asked = {word for several in SAMPLES.values() for words in several for word in words[:2]}
    asked |= set(HOMES)  # pictures: one schema for all kinds
    with_json = [one.name for one in commands(command_line) if any(option.name == "as_json" for option in one.params)]
    assert set(with_json) <= asked


def test_the_command_line_prints_them(run: Run) -> None:
    code, out, err = run("catalog", "schema", "step")
    assert (code, err) == (0, "") and json.loads(out) == schema("step")
    assert steptime.step("llama-3.1-8b", "h100-sxm").json_schema() == schema("step")
    assert out == text_of_schema("step")
    code, out, _ = run("catalog", "schema")
    assert code == 0 and out.split() == [f"{part}" for name, version in VERSIONS.items() for part in (name, version)]
    code, _, err = run("catalog", "schema", "stp")
    assert code == 2 and "did you mean step" in err
    with pytest.raises(UserError):
        schema("../step")
