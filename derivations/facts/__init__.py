"""What a proof may start from and put in: results, definitions, the model's own formulas, and declared assumptions.

An equation that somebody writes down is none of these, so that no chain can smuggle in what it claims. A declared
assumption stands in the theorem: it reads "if ..., then ...".
"""

from steptime.derivations.facts.areas import Area, Beside, DyingArea, PowerArea
from steptime.derivations.facts.assumed import Axiom, Chosen, Given, Side, Tends, given
from steptime.derivations.facts.proved import Best, Expected, Priced, Wavefront

from steptime.derivations.facts.named import (  # isort: skip
    Compared, Crossing, Defined, Fact, Instance, Line, Modelled, Solved, instance, replaced, right_of,
)  # fmt: skip

__all__ = [
    "Area", "Axiom", "Beside", "Best", "Chosen", "Compared", "Crossing", "Defined", "DyingArea", "Expected", "Fact",
    "Given", "Instance", "Line", "Modelled", "PowerArea", "Priced", "Side", "Solved", "Tends", "Wavefront", "given",
    "instance", "replaced", "right_of",
]  # fmt: skip
