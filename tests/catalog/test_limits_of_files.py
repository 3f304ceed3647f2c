"""Where limits on what a user gives lie: the size of a file, the range of a quantity."""

from pathlib import Path

import pytest

from steptime.model import symbols as q
from steptime.model.catalog.files import MAXIMUM_FILE_BYTES, read_text
from steptime.model.errors import UserError
from steptime.model.quantity import lookup


def test_a_file_of_the_limit_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_bytes(b" " * MAXIMUM_FILE_BYTES)
    assert len(read_text(file)) == MAXIMUM_FILE_BYTES == 4_000_000
    file.write_bytes(b" " * (MAXIMUM_FILE_BYTES + 1))
    with pytest.raises(UserError, match="over the limit"):
        read_text(file)


RANGES = {
    q.bytes_per_weight: (0.01, 16), q.bytes_per_kv: (0.01, 16), q.bytes_per_state: (0.01, 16),
    q.optimizer_bytes: (0.0, 64), q.compute_efficiency: (1e-6, 1), q.acceptance: (0, 1), q.expert_load: (1, 1e6),
    q.weight_passes: (1, 4), q.cached: (0, 1e9), q.drafts: (0, 1e3),
}  # fmt: skip


@pytest.mark.parametrize("symbol", RANGES, ids=str)
def test_ranges_that_mean_something(symbol) -> None:
    """An element takes at most 16 bytes; Adam in fp64 with every moment and master weight stays below 64 a weight; a
    share is at most one; a micro-batch streams the weights once to four times."""
    assert lookup(symbol.name).sane == RANGES[symbol]


@pytest.mark.parametrize("symbol", [q.batch, q.cached, q.chunk, q.layers, q.interleave, q.sequence], ids=str)
def test_what_is_counted_is_whole(symbol, run) -> None:
    code, _, err = run("step", "llama-3.1-8b", "h100-sxm", "--set", f"{symbol.name}=2.5")
    assert code == 2 and "2.5" in err and err.count("\n") == 1
