"""Cases of drawn questions."""

from conftest import case_of
from hypothesis import assume

from steptime.model.errors import UserError
from steptime.model.step.case import Case

IMPOSSIBLE = ("exceeds", "does not divide")
"""What is said of a layout that the model cannot have."""


def possible(options: dict[str, object], impossible: tuple[str, ...] = IMPOSSIBLE) -> Case:
    """The case of a question in keywords; one that is impossible for such a reason is not drawn, any other raises."""
    try:
        return case_of(**options)
    except UserError as error:
        assume(not any(reason in str(error) for reason in impossible))
        raise
