"""Parameters counted by the transformers library itself: each family's model is built from a small configuration of
our own on torch's meta device, where no weight is stored, and must have as many parameters as are counted here.

Optional: needs `pip install -e ".[crosscheck]"`. What the library keeps as a buffer, though published files store it
and it counts here, is named below: the biases by which a router corrects its choice.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "catalog"))
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from family_examples import EXAMPLES, VARIANTS  # noqa: E402

from steptime.model.catalog.huggingface.keys import tables, type_table  # noqa: E402
from steptime.model.catalog.huggingface.reader import read_config  # noqa: E402

COUNTED_BUFFERS = {
    **dict.fromkeys(
        (
            "deepseek_v3", "deepseek_v32", "dots1", "exaone_moe", "glm4_moe", "glm4_moe_lite", "hy_v3", "minimax_m2",
            "nemotron_h", "solar_open",
        ),
        "e_score_correction_bias",
    ),
    "lfm2_moe": "expert_bias",
}
"""The last part of the name of a buffer whose elements count, for each family that has one."""
ELSEWHERE = {"baichuan", "chatglm", "hunyuan", "internlm2", "qwen", "xverse"}
"""Families whose code is published with their weights only."""

CASES = [case for case in [*EXAMPLES.values(), *VARIANTS] if case["model_type"] not in ELSEWHERE]


def their_count(config: dict[str, Any]) -> int:
    """Parameters of the library's model, tied ones once, and of the buffers that count."""
    keys = {key: value for key, value in config.items() if key != "model_type"}
    theirs = transformers.AutoConfig.for_model(config["model_type"], **keys, pad_token_id=0)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(theirs)
    counted = COUNTED_BUFFERS.get(config["model_type"])
    buffers = [one for name, one in model.named_buffers() if name.rpartition(".")[2] == counted]
    return sum(one.numel() for one in [*model.parameters(), *buffers])


@pytest.mark.parametrize("config", CASES, ids=[case["model_type"] for case in CASES])
def test_as_many_parameters_as_the_library_builds(config: dict[str, Any]) -> None:
    assert read_config(config, "small").parameters == their_count(config)


def test_enough_families_are_compared() -> None:
    assert len({case["model_type"] for case in CASES}) >= 75


def _documented() -> Iterator[tuple[str, str, Any]]:
    """Defaults that are the library's own; "none" is left out, since a class may put what follows from other keys."""
    for name, table in tables()["types"].items():
        if "transformers 5.24" in table["source"] and name in {case["model_type"] for case in CASES}:
            defaults = type_table(name)["defaults"]
            yield from ((name, key, value) for key, value in defaults.items() if value not in ("none", "auto"))


DERIVED = {"ernie4_5_moe": "moe_layer_end_index"}
"""A default from which the class makes another number as soon as it knows the layers."""
BUILT_IN = {
    "cohere2": "sliding_window_pattern", "glm4_moe_lite": "first_k_dense_replace",
    "hunyuan_v1_moe": "num_shared_expert", "hy_v3": "first_k_dense_replace",
}  # fmt: skip
"""A key of published files that no attribute of the class holds, because what it says is built in or used up."""


@pytest.mark.parametrize(("name", "key", "value"), list(_documented()))
def test_default_is_that_of_the_class(name: str, key: str, value: Any) -> None:
    made = transformers.AutoConfig.for_model(name)
    assert hasattr(made, key) != (BUILT_IN.get(name) == key)
    if key not in (BUILT_IN.get(name), DERIVED.get(name)):
        assert getattr(made, key) == value
