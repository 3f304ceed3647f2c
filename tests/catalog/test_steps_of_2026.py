"""What steps make of the architectures of 2026: latent experts, several residual streams, tables, training."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from config_published import without
from conftest import case_of

from steptime.model import symbols as q
from steptime.model.architecture.transformer import CompressedAttention, CrossAttention, ExpertFeedForward, Transformer
from steptime.model.catalog.huggingface.reader import read_config
from steptime.model.catalog.transformers import build
from steptime.model.choices import Experts
from steptime.model.errors import UserError
from steptime.model.layout.choices import Plan
from steptime.model.layout.layout import SYMBOLIC, Layout
from steptime.model.phases.decode import DECODE
from steptime.model.phases.ledger import Ledger
from steptime.model.phases.memory import footprints
from steptime.model.phases.train_memory import ONE_BYTE
from steptime.model.symbols import batch, reduce_bytes
from steptime.model.terms import OperationName

from config_2026 import (  # isort: skip
    E2B, GLM_52, GLM_NEXT, K3, KIMI_LINEAR, M3, MIMO_V2, MLLAMA, STEP, SUPER, TOTALS_2026, V4_FLASH, V4_PRO,
)  # fmt: skip


def model(config: dict[str, Any]) -> Transformer:
    return read_config(config, "toy")


def experts(config: dict[str, Any]) -> ExpertFeedForward:
    (block,) = model(config).layers[-1].feed_forward
    assert isinstance(block, ExpertFeedForward)
    return block


def test_latent_experts_work_on_fewer_features() -> None:
    """Nemotron 3 Super: experts of 2 x 1024 x 2688, and 2 x 4096 x 1024 to the latent and back."""
    block = experts(SUPER)
    assert block.expert_weights(4096) == 2 * 1024 * 2688
    assert block.shared_weights(4096) == 2 * 4096 * 5376 + 2 * 4096 * 1024
    assert (block.routed_width(4096), block.router_weights(4096)) == (1024, 4096 * 512)
    k3 = experts(K3)
    assert (k3.expert_weights(7168), k3.latent) == (3 * 3584 * 3072, 3584)


def test_streams_and_their_maps() -> None:
    """Two maps a layer of 24 x 4 x 4096 weights, whose results have 24 biases and 3 scales; one at the end."""
    flash = model(V4_FLASH)
    assert flash.streams == 4
    assert {layer.mixing for layer in flash.layers} == {2 * 24 * 4 * 4096}
    assert flash.vectors == 4096 + 4 * 4 * 4096 + 4 + 1
    one = {**V4_FLASH, "hc_mult": 1}
    assert {layer.mixing for layer in model(one).layers} == {2 * 3 * 4096}


def test_tables_by_token_are_stored_and_not_multiplied() -> None:
    """Gemma-4 E2B: 262144 rows of 35 x 256 beside 2.28e9 that act, published as 2.3e9 effective."""
    small = model(E2B)
    assert small.tables == 262144 * 35 * 256
    assert small.parameters - small.tables == pytest.approx(2.28e9, rel=1e-3)
    assert model({**E2B, "hidden_size_per_layer_input": 0}).tables == 0


def test_the_kinds_of_layers_of_v4() -> None:
    ratios = [
        mixer.ratio for layer in model(V4_PRO).layers if isinstance(mixer := layer.attention, CompressedAttention)
    ]
    assert [ratios.count(ratio) for ratio in (0, 4, 128)] == [0, 30, 31]
    words = {0: "sliding_attention", 4: "compressed_sparse_attention", 128: "heavily_compressed_attention"}
    unlisted = without(V4_PRO, "compress_ratios")
    assert model({**unlisted, "layer_types": [words[ratio] for ratio in ratios]}).layers == model(V4_PRO).layers
    kinds = [layer.attention.ratio for layer in model(unlisted).layers]
    assert kinds[:6] == [128, 128, 128, 4, 128, 4]  # the class's own order where nothing is listed


def test_the_catalogue_may_hold_them() -> None:
    """A layer of DeepSeek-V4-Flash by its shapes, as the reader makes it."""
    flash = model(V4_FLASH)
    layer = flash.layers[2]
    assert isinstance(layer.attention, CompressedAttention)
    written = {key: value for key, value in asdict(layer).items() if key not in ("shared", "adapters")}
    attention = {**written["attention"], "indexer": asdict(layer.attention.indexer)}
    blocks = [{key: value for key, value in block.items() if value is not None} for block in written["feed_forward"]]
    table = {
        "source": "toy", "date": "2026-11-29", "width": 4096, "vocabulary": 129280, "depth": 1, "period": ["only"],
        "vectors": flash.vectors, "streams": 4, "tables": 7, "unembedding": False,
        "kinds": {"only": {**written, "attention": attention, "feed_forward": blocks}},
    }  # fmt: skip
    found = build("toy", table)
    assert found.layers == (layer,)
    assert (found.streams, found.tables, found.unembedding, found.vectors) == (4, 7, False, flash.vectors)


def test_stages_hand_on_every_stream_and_keep_it() -> None:
    """Two bytes a feature; while a part works, what it adds lies beside the streams."""
    four, one = (model({**V4_FLASH, "hc_mult": number}) for number in (4, 1))
    sent = [Ledger(each, Plan(), SYMBOLIC, DECODE).handed_on for each in (four, one)]
    assert sent[0] / sent[1] == 4
    held = [footprints(each, Layout())[0].activations for each in (four, one)]
    assert (held[0] - held[1]) / (reduce_bytes * batch) == 3 * 4096


def test_experts_are_sent_what_they_work_on() -> None:
    """Nemotron 3 Super sends 1024 features of a token instead of 4096."""
    plan, few = Plan(), model(SUPER)
    many = replace(few, layers=tuple(
        replace(one, feed_forward=tuple(replace(block, latent=0) for block in one.feed_forward)) for one in few.layers
    ))  # fmt: skip
    sent = [dict(Ledger(each, plan, Layout(dp=8, ep=8).degrees, DECODE).collectives()) for each in (few, many)]
    dispatched = [lines[OperationName.DISPATCH].scale_up + lines[OperationName.DISPATCH].scale_out for lines in sent]
    assert (dispatched[1] - 4 * dispatched[0]).expand() == 0 != dispatched[0]


@pytest.mark.parametrize("config", [parameter.values[0] for parameter in TOTALS_2026],
                         ids=[str(parameter.id).split(":")[0] for parameter in TOTALS_2026])  # fmt: skip
def test_one_chip_holds_every_weight_and_reads_all_but_rows_of_tables(config: dict[str, Any]) -> None:
    """One byte a weight; of rows that tokens take, and of matrices for images, a step of text reads nothing."""
    whole = model(config)
    (held,) = footprints(whole, Layout())
    assert held.weights.xreplace(ONE_BYTE) == whole.parameters
    mixers = [(mixer, number) for mixer, number in whole.mixers if isinstance(mixer, CrossAttention)]
    idle = sum(number * 2 * whole.width * mixer.kv_heads * mixer.head_dim for mixer, number in mixers)
    books = Ledger(whole, Plan(experts=Experts.ALL), Layout().degrees, DECODE)
    assert sum(row.weights for row in books.rows) == whole.parameters - whole.input_tables - idle


@pytest.mark.parametrize("config", [V4_FLASH, K3, M3, GLM_52, GLM_NEXT, SUPER, STEP, MIMO_V2, E2B, MLLAMA, KIMI_LINEAR],
                         ids=lambda config: config["model_type"])  # fmt: skip
@pytest.mark.parametrize("phase", ["decode", "prefill"])
def test_every_family_steps(config: dict[str, Any], phase: str, tmp_path: Path) -> None:
    """Terms are numbers, and a longer context is dearer."""
    path = tmp_path / "toy.json"
    path.write_text(json.dumps({**config, "torch_dtype": "bfloat16"}))
    key = "context" if phase == "decode" else "prompt"
    short, long = (
        case_of(str(path), "gb200-nvl72", phase=phase, batch="4", layout="tp=8", **{key: tokens})
        for tokens in ("1000", "100000")
    )
    assert 0 < short.number(q.step_time) < long.number(q.step_time)
    assert short.number(q.memory_per_chip) < long.number(q.memory_per_chip)


@pytest.mark.parametrize(
    ("config", "named"),
    [(V4_FLASH, "compressed attention"), (GLM_NEXT, "several residual streams"), (MLLAMA, "attention to images")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_training_of_what_is_not_known_is_refused(config: dict[str, Any], named: str, tmp_path: Path) -> None:
    path = tmp_path / "toy.json"
    path.write_text(json.dumps({**config, "torch_dtype": "bfloat16"}))
    with pytest.raises(UserError, match=f"toy: training is not modelled for {named}"):
        case_of(str(path), "gb200-nvl72", phase="train")
