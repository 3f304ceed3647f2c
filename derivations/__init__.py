"""Chains of algebra, each line machine-checked, that end in the equations the model uses.

A derivation (`steps`) is a frozen value: a start, lines each with its rule (`rules`), and an example. `check` repeats
every line by arithmetic. `library` lists all derivations, claims and quantities, `register` says where each formula of
the model is proved, `inverse` solves any formula for any of its quantities, `export` writes them out.

A folder is a chapter. What only its derivations need lives in it: quantities in `symbols`, formulas that they start
from in `formulas`; a later chapter imports them from there. What the model uses as well, a derivation imports from the
model.

>>> from steptime.derivations.library import derivations
>>> one = derivations()[0]
>>> one.name, len(one.holds), one.verify()
('compute-term', 0, None)
"""
