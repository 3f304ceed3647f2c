"""Any command line, right or wrong: an answer or one line of error, never a traceback, a hang, or half a file.

A small share runs by default. ``STEPTIME_FUZZ=20000`` runs so many, every tenth as a process of its own, on as many
processors as ``pytest -n`` gives it; ``STEPTIME_FUZZ_SEED`` draws others; ``STEPTIME_FUZZ_FROM`` goes on from a number.
A failure names its number; ``python tests/fuzz/again.py NUMBER`` runs it again.
"""

import os

import pytest
from runs import as_process, in_process, once

SEED = int(os.environ.get("STEPTIME_FUZZ_SEED", "1"))
MANY = int(os.environ.get("STEPTIME_FUZZ", "0"))
FIRST = int(os.environ.get("STEPTIME_FUZZ_FROM", "0"))
USUAL, PIECE = 60, 20


def numbers() -> list[object]:
    last = MANY or USUAL
    pieces = [(first, min(first + PIECE, last)) for first in range(FIRST, last, PIECE)]
    return [pytest.param(*piece, id=f"{piece[0]}-{piece[1] - 1}") for piece in pieces]


@pytest.mark.parametrize("first, last", numbers())
def test_command_lines_answer_or_say_why_not(first: int, last: int) -> None:
    wrong = []
    for number in range(first, last):
        run, found = once(SEED, number, as_process if number % (10 if MANY else 30) == 0 else in_process)
        if found:
            wrong.append(f"seed {SEED} number {number}: steptime {' '.join(map(repr, run.arguments))}: {found}")
    assert not wrong, "\n".join(wrong)
