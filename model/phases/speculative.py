"""Speculative decoding and multi-token prediction: one pass checks several drafted tokens, and keeps the good ones.

Each draft is accepted with the same chance, independently, until the first that is not; the pass itself gives one token
more. What drafting itself costs is not counted.
"""

from steptime.model.symbols import (
    acceptance,
    compute_time,
    drafts,
    tokens_per_pass,
)

with_one_more_draft = tokens_per_pass + acceptance ** (drafts + 1)
"""Expected tokens with one draft more: it adds a token where it and all drafts before it are accepted."""

after_the_first_draft = 1 + acceptance * tokens_per_pass
"""The same expectation seen from the first draft: one token for certain, and all the rest where it is accepted."""

compute_time_per_kept_token = (drafts + 1) * compute_time / tokens_per_pass
"""Compute time of a pass over the drafts and the last token, in steps' worth of kept tokens."""

expected_tokens = (1 - acceptance ** (drafts + 1)) / (1 - acceptance)
"""Expected tokens per pass in closed form: one, and each draft that is accepted with all before it."""
