"""Derivations that answer a question in words: those whose rarer words it has."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from math import log

from steptime.derivations.library import CHAPTERS, derivations
from steptime.derivations.steps import Derivation
from steptime.model.quantity import lookup

MOST = 10
"""Derivations that are listed for a question."""
NEAR = 0.45
"""Share of the best one's score from which on another is listed."""
STEM = 5
"""Letters at the beginning of two words that make them one, as of `pipelining` and `pipeline`."""
WEIGHTS = {"title": 3.0, "claim": 2.0, "rest": 1.0}
LITTLE = """a an and any are as at be between by can do does for from has have how i if in into is it its long many more
much my need needs no not of off on one or should than that the their them there they this to under up was we what when
where which who why will with would you"""
"""Words that say nothing of what is asked for."""
_little = frozenset(LITTLE.split())


def asked(question: str) -> tuple[Derivation, ...]:
    """The derivations that answer it best, the best first; none where no word of it is known.

    >>> [one.name for one in asked("Why does pipelining not shard the KV cache?")][:2]
    ['kv-floor', 'stage-memory']
    """
    texts, rare = _texts(), _rarity()
    words = stems(question) & set(rare)
    scores: dict[Derivation, float] = {}
    for one in derivations():  # the more of the question's words it has, the more each of them counts
        has = words & set(texts[one.name])
        scores[one] = len(has) * sum(rare[word] * texts[one.name][word] for word in has)
    best = max(scores.values(), default=0.0)
    chosen = [one for one in sorted(scores, key=lambda one: -scores[one]) if scores[one] > NEAR * best]
    return tuple(chosen[:MOST])


def stems(text: str) -> frozenset[str]:
    """The words of a text that say something, by their beginnings.

    >>> sorted(stems("How long between checkpoints?"))
    ['check']
    """
    return frozenset(word[:STEM] for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _little)


@cache
def _texts() -> Mapping[str, Mapping[str, float]]:
    """Of each derivation the words by their weight: that of the place where they count most."""
    found = {}
    for one in derivations():
        chapter = CHAPTERS[int(one.rows[0].split(".")[0])]
        meanings = " ".join(lookup(symbol.name).meaning for symbol in one.lines[-1].free_symbols)
        rest = " ".join([chapter, meanings, one.example_text])
        parts = {"rest": rest, "claim": one.claim, "title": f"{one.name} {one.title}"}
        found[one.name] = {word: WEIGHTS[part] for part, text in parts.items() for word in stems(text)}
    return found


@cache
def _rarity() -> Mapping[str, float]:
    """Of each word how rare it is: the logarithm of all derivations over those that have it."""
    having = Counter(word for words in _texts().values() for word in words)
    return {word: log(len(_texts()) / number) for word, number in having.items()}
