"""What is assumed about the world and never proved: each axiom once, by the name under which theorems rest on it.

An axiom is a statement of physics, of probability or of how a machine or a program behaves. What merely fixes a quantity
is no axiom but a declared assumption, an equation (`facts.given`), and can be checked where numbers are put in.
"""

from steptime.derivations.facts import Axiom

# fmt: off
STREAMED_ONCE = Axiom("streamed-once", "weights and KV cache are read once per step, nothing else is")
PAID_THROUGHOUT = Axiom("paid-throughout", "every chip is paid for the whole step")
