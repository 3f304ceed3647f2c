"""Waiting in closed form, for a decode step that is affine in the number of sequences, t₀ + t₁n.

Arrays and other steps are worked out in ``waits``, with the law of the whole number in service (``shared``).
"""

import sympy

from steptime.model.waiting.symbols import (  # isort: skip
    arrival_spread, chance_above, chance_busy, chance_here, clump, clump_mean, clump_variance, cycle, cycle_square,
    decode_left, decoded, in_service, mean_in_service, prefill_mean, prefill_deviation, group_rate, servers,
    service_spread, sharing, step_base, step_slope, token_gap, vacation,
)  # fmt: skip

left = 1 - group_rate * prefill_mean
"""Share of time that prefills leave to decode."""

shared_work = group_rate * decoded * step_slope / decode_left
"""ρ: what a second brings of work that sequences share, over the time that is left for it."""

step = step_base + step_slope * in_service
"""Time of a decode step."""

coming = group_rate * chance_here
"""Requests a second that begin to decode with so many in service."""

leaving = decode_left * (in_service + 1) * chance_above / (decoded * step.xreplace({in_service: in_service + 1}))
"""Requests a second that end with one more in service: each sequence gets a token a step, and ends after G of them."""

tokens_made = decode_left * (in_service + 1) * chance_above / step.xreplace({in_service: in_service + 1})
"""Tokens a second that steps with one more in service make."""

tokens_come = group_rate * decoded
"""Tokens a second that requests ask for."""

chance = (
    sympy.binomial(in_service + step_base / step_slope, in_service)
    * sharing**in_service
    * (1 - sharing) ** (1 + step_base / step_slope)
)
"""Share of time with so many in service: a negative binomial law, of shape 1 + t₀/t₁."""

chance_of_more = chance.xreplace({in_service: in_service + 1})
"""The same with one more."""

held = group_rate * decoded * token_gap
"""Sequences in service, by Little's law: requests a second times the time that each stays."""

token = (step_base + step_slope * (mean_in_service + clump)) / decode_left
"""Time between two tokens: a step with those that a token finds, and prefills for the rest of the time."""

followers = 1 + group_rate * prefill_mean * clump_mean
"""Requests whose prefills follow one another: a first one, and as many again for each that came during its prefill."""

followers_vary = (
    group_rate * prefill_mean * clump_variance
    + (group_rate * prefill_mean + group_rate**2 * prefill_deviation**2) * clump_mean**2
)
"""Variance of their number: of those that came during a prefill each brings its own, and how many came varies."""

clump_square = (clump_variance + clump_mean**2) / clump_mean
"""Mean square over the mean."""

whole_cycle = vacation + group_rate * prefill_mean * cycle
"""From one end of a step to the next: the prefills of those who came during the cycle before, and a step."""

whole_cycle_square = (
    vacation**2
    + 2 * vacation * group_rate * prefill_mean * cycle
    + group_rate * (prefill_deviation**2 + prefill_mean**2) * cycle
    + (group_rate * prefill_mean) ** 2 * cycle_square
)
"""Mean square of it: prefills are a sum of as many times as requests came in a time that varies itself."""

wait_in_cycle = (1 + group_rate * prefill_mean) * cycle_square / (2 * cycle)
"""Wait of a prefill: the rest of the cycle in which it came, and the prefills of those who came earlier in it. Who
comes at random finds a cycle as likely as it is long, so that rest and part gone by are each half of E C²/E C."""

queue_wait = group_rate * (prefill_deviation**2 + prefill_mean**2) / (2 * (1 - group_rate * prefill_mean))
"""Wait of a prefill where nothing else runs (Pollaczek and Khinchine)."""

gated_wait = queue_wait + vacation * (1 + group_rate * prefill_mean) / (2 * (1 - group_rate * prefill_mean))
"""Wait of a prefill for others and for decode steps of one length: M/G/1 with gated vacations."""

pool_wait = chance_busy / (servers / prefill_mean - group_rate) * (arrival_spread + service_spread) / 2
"""Wait of a prefill for one of several groups: Allen and Cunneen's approximation."""

pooled_token = (step_base + step_slope * (mean_in_service + clump) / servers) / decode_left
"""Time between two tokens where ``servers`` groups share all that are in service evenly."""

pooled_held = servers * group_rate * decoded * token_gap
"""Sequences in service of all of them, by Little's law."""
