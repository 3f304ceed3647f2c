"""Names as people type them, through the real command line: found however written, answered where they are slips, and
told apart where model and machine are swapped. A hub's names are looked up here and in its cache, never fetched."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from config_published import LLAMA

import steptime as st
from steptime.model.catalog import hub
from steptime.model.catalog.files import Tables
from steptime.model.catalog.hardware import hardware_names, load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.catalog.transformers import transformer_names
from steptime.model.errors import UserError
from steptime.model.names import matches

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A hub's cache of this test alone."""
    for name in ("HF_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "hub"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("llama-3.3-70b", "llama-3.1-70b"), ("Llama 3.3 70B", "llama-3.1-70b"), ("LLAMA_3.3_70B", "llama-3.1-70b"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.1-70b"), ("Qwen/Qwen3-32B", "qwen3-32b"),
        ("kimi-k2.5", "kimi-k2.5"), ("moonshotai/Kimi-K2.5", "kimi-k2.5"), ("Qwen/Qwen3.6-35B-A3B", "qwen3.5-35b-a3b"),
        ("deepseek-ai/DeepSeek-V3", "deepseek-v3"), ("MiniMaxAI/MiniMax-M2.7", "minimax-m2.5"), ("GPT2", "gpt2"),
    ],
)  # fmt: skip
def test_a_model_is_found(run: Run, written: str, meant: str) -> None:
    code, out, err = run("catalog", "models", written, "--json")
    assert (code, err) == (0, "") and json.loads(out)["name"] == meant
    assert json.loads(out)["origin"] == f"model/catalog/transformers.toml: [{meant}]"


@pytest.mark.parametrize(
    ("written", "meant"),
    [("h100", "h100-sxm"), ("B200", "b200-sxm"), ("GB200", "gb200-nvl72"), ("RTX 4090", "rtx4090"),
     ("tpu_v5p", "tpuv5p"), ("A100 PCIe", "a100-pcie-80gb"), ("dgx spark", "gb10"), ("MI-308X", "mi308x"),
     ("H100 80GB", "h100-sxm")],
)  # fmt: skip
def test_a_machine_is_found(run: Run, written: str, meant: str) -> None:
    code, out, err = run("catalog", "hardware", written, "--json")
    assert (code, err) == (0, "") and json.loads(out)["name"] == meant


def test_a_name_with_an_organisation_says_what_was_taken(run: Run) -> None:
    _, out, _ = run("step", "Qwen/Qwen3-32B", "H100", "-v")
    assert "'Qwen/Qwen3-32B' is read as qwen3-32b of the catalogue" in " ".join(out.split())
    assert load_model("qwen3-32b").notices == ()


# --- slips ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "first"),
    [("h10", "h100-sxm"), ("h100-smx", "h100-sxm"), ("b20", "b200-sxm"), ("rtx490", "rtx4090"), ("mi30", "mi300x"),
     ("a10gg", "a10g"), ("gb30", "gb300-nvl72"), ("trillum", "trillium")],
)  # fmt: skip
def test_suggestions_begin_with_what_was_typed(run: Run, typed: str, first: str) -> None:
    code, _, err = run("step", "gpt2", typed)
    assert code == 2 and f"unknown hardware '{typed}'; did you mean {first}" in err
    assert "b100" not in err


def test_an_entry_is_suggested_once_under_the_name_that_is_likest() -> None:
    tables = Tables("transformers.toml")
    assert tables.alike("llama-3.3-70")[0] == "llama-3.3-70b"
    assert tables.alike("llama-3.1-70")[0] == "llama-3.1-70b"
    assert len(tables.alike("llama", most=9)) == 9 == len({tables.find(one) for one in tables.alike("llama", most=9)})


def test_what_is_like_nothing_is_not_guessed() -> None:
    assert [matches(typed, hardware_names()) for typed in ("abacus", "", "-_ ")] == [[], [], []]
    with pytest.raises(UserError, match=r"unknown hardware 'abacus'; give a catalogue name or a .toml file"):
        load_hardware("abacus")


@pytest.mark.parametrize("file", ["transformers.toml", "hardware.toml"])
def test_names_read_without_parsing_are_those_of_the_tables(file: str) -> None:
    tables = Tables(file)
    assert tables.names == {name: (name, *tables[name].get("also", ())) for name in tables.entries}


# --- swapped -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("step h100 llama-3.1-70b --batch 64", "step llama-3.1-70b h100 --batch 64"),
        ("step H100 Qwen/Qwen3-32B", "step Qwen/Qwen3-32B H100"),
        ("solve batch gb200 gpt2", "solve batch gpt2 gb200"),
        ("solve crossover h100 gpt2 --over batch", "solve crossover gpt2 h100 --over batch"),
        ("solve layout h100 b200 gpt2 --chips 8", "solve layout gpt2 b200 h100 --chips 8"),
        ("solve cache h100 gpt2", "solve cache gpt2 h100"),
    ],
)
def test_swapped_arguments_are_told_with_the_command_to_type(run: Run, typed: str, right: str) -> None:
    code, out, err = run(*typed.split())
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert "is hardware, and HARDWARE" in err and err.rstrip().endswith(f"swapped; type: steptime {right}")


def test_the_command_to_type_is_one_that_works(run: Run) -> None:
    _, _, err = run("step", "h100", "gpt2", "--batch", "8")
    assert run(*err.rpartition("type: steptime ")[2].split())[0] == 0


def test_swapped_files_are_told_too(run: Run, tmp_path: Path) -> None:
    machine, config = tmp_path / "machine.toml", tmp_path / "config.json"
    machine.write_text('peak_flops = "1 PFLOP/s"\nmemory_bandwidth = "3 TB/s"\nmemory_capacity = "80 GB"\n')
    config.write_text(json.dumps(LLAMA))
    for model, hardware in ((machine, "gpt2"), ("h100", config), (machine, config)):
        code, _, err = run("step", str(model), str(hardware))
        assert code == 2 and err.rstrip().endswith(f"steptime step {hardware} {model}")
        assert run("step", str(hardware), str(model))[0] == 0


def test_a_model_twice_or_a_machine_twice_is_no_swap(run: Run) -> None:
    assert "HARDWARE 'llama-3.1-70b' is a model and no machine" in run("step", "gpt2", "llama-3.1-70b")[2]
    assert "MODEL 'h100' is hardware, h100-sxm of the catalogue, and no model" in run("step", "h100", "b200")[2]


def test_a_swap_in_python_speaks_of_its_arguments() -> None:
    said = "`model` 'h100' is hardware, and `hardware` 'gpt2' is a model: they are swapped"
    with pytest.raises(UserError, match=said):
        st.step("h100", "gpt2")


def test_no_name_is_both_a_model_and_a_machine() -> None:
    models, machines = Tables("transformers.toml"), Tables("hardware.toml")
    assert [name for names in models.names.values() for name in names if machines.find(name)] == []


# --- the cache of a hub --------------------------------------------------------------------------------------------


def keep(cache: Path, name: str, commit: str, config: dict[str, object], as_main: bool = True) -> Path:
    """A configuration as huggingface_hub keeps it: the snapshot's file is a link to a blob."""
    repository = cache / f"models--{name.replace('/', '--')}"
    snapshot = repository / "snapshots" / commit
    for folder in (snapshot, repository / "blobs", repository / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    blob = repository / "blobs" / f"blob-{commit}"
    blob.write_text(json.dumps(config))
    (snapshot / "config.json").symlink_to(blob)
    if as_main:
        (repository / "refs" / "main").write_text(commit)
    return snapshot / "config.json"


def test_a_configuration_is_read_from_the_cache(run: Run, no_cache: Path) -> None:
    file = keep(no_cache, "some/Own-Model", "0123abcd", LLAMA)
    model = load_model("some/Own-Model")
    assert (model.name, model.parameters) == ("Own-Model", load_model("llama-3.1-70b").parameters)
    assert model.notices[-1] == f"'some/Own-Model' is read from {file}"
    code, out, _ = run("catalog", "models", "some/Own-Model", "--json")
    assert code == 0 and json.loads(out)["origin"] == "some/Own-Model"


def test_of_several_commits_the_one_that_was_last_taken_is_read(no_cache: Path) -> None:
    keep(no_cache, "some/model", "aaaa1111", {**LLAMA, "num_hidden_layers": 3})
    newer = keep(no_cache, "some/model", "bbbb2222", {**LLAMA, "num_hidden_layers": 5}, as_main=False)
    assert len(load_model("some/model").layers) == 3
    (no_cache / "models--some--model" / "refs" / "main").unlink()
    os.utime(newer.parent, (2e9, 2e9))
    assert len(load_model("some/model").layers) == 5


@pytest.mark.parametrize("commit", ["../../..", "x" * 200, "", "cccc3333"])
def test_a_note_that_names_no_commit_here_leads_nowhere(no_cache: Path, commit: str) -> None:
    file = keep(no_cache, "some/model", "aaaa1111", LLAMA)
    (no_cache / "models--some--model" / "refs" / "main").write_text(commit)
    assert hub.cached("some/model") == file


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert hub.folder() == tmp_path / "home" / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "elsewhere"))
    assert hub.folder() == tmp_path / "elsewhere"
    for name in ("HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert hub.folder() == tmp_path / ".cache" / "huggingface" / "hub"


def test_the_catalogue_comes_before_the_cache(no_cache: Path) -> None:
    keep(no_cache, "Qwen/Qwen3-32B", "aaaa1111", LLAMA)
    assert load_model("Qwen/Qwen3-32B").name == "qwen3-32b"


def test_a_folder_here_comes_before_a_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Qwen" / "Qwen3-32B").mkdir(parents=True)
    (tmp_path / "Qwen" / "Qwen3-32B" / "config.json").write_text(json.dumps({**LLAMA, "num_hidden_layers": 3}))
    assert len(load_model("Qwen/Qwen3-32B").layers) == 3


def test_what_the_cache_does_not_hold_is_not_fetched(run: Run, no_cache: Path) -> None:
    code, out, err = run("step", "nobody/Nothing-7B", "h100")
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert f"it is not in the catalogue, nor in {no_cache}; give its config.json" in err
    assert not no_cache.exists()


def test_a_broken_configuration_in_the_cache_is_named(run: Run, no_cache: Path) -> None:
    keep(no_cache, "some/model", "aaaa1111", {"model_type": "kimi_linear"})
    code, _, err = run("step", "some/model", "h100")
    assert code == 2 and err.count("\n") == 1 and "kimi_linear" in err


@pytest.mark.parametrize("name", ["a/b/c", "../x", "a/..", "/etc/passwd", "a/", "/b", "a b/c", "a/\0", "x" * 99 + "/y"])
def test_what_is_no_name_of_a_hub(name: str) -> None:
    assert hub.identifier(name) is None
    with pytest.raises(UserError):
        load_model(name)


def test_every_model_is_listed(run: Run) -> None:
    _, out, _ = run("catalog", "models", "--json")
    assert [model["name"] for model in json.loads(out)["models"]] == list(transformer_names())
