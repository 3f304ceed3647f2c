"""What is said of keys that a configuration lacks, and not of those that it has."""

import pytest
from config_published import DEEPSEEK_LITE, LATENT, without

from steptime.model.catalog.huggingface.reader import read_config


@pytest.mark.parametrize("rank", [1536, None])
def test_a_query_rank_that_is_stated_is_not_called_absent(rank: int | None) -> None:
    stated = {**DEEPSEEK_LITE, **LATENT, "q_lora_rank": rank}
    assert not any("q_lora_rank" in notice for notice in read_config(stated, "toy").notices)
    assert any("q_lora_rank" in notice for notice in read_config(without(stated, "q_lora_rank"), "toy").notices)
