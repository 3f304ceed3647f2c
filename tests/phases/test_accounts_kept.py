"""What is worked out of a model is kept with it, for as many models as a search has."""

import pytest

from steptime.model.catalog.transformers import load_transformer
from steptime.model.errors import UserError
from steptime.model.phases import accounts
from steptime.model.phases.accounts import accounts_of


def test_accounts_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of one model are still there after those of another, up to a limit; then all are made anew."""
    monkeypatch.setattr(accounts, "_made", {})
    monkeypatch.setattr(accounts, "MOST_MODELS", 2)
    first, second, third = map(load_transformer, ("llama-3.1-8b", "mixtral-8x7b", "gpt-oss-20b"))
    kept = accounts_of(first)
    assert accounts_of(second) is not kept and accounts_of(first) is kept
    accounts_of(third)
    assert accounts_of(first) is not kept and accounts_of(first).model is first


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(UserError, match="expected a name, a file or an architecture, got int"):
        accounts_of(3)
