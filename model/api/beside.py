"""What a step says beside its time: what kind of dollars and joules it counts, and what its memory has room for."""

from abc import ABC
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from steptime.model.api.shown import Shown
from steptime.model.errors import UserError
from steptime.model.parse import text_of
from steptime.model.step.case import Case
from steptime.model.step.estimate import Estimate, estimated
from steptime.model.step.room import first_token, kv_room_tokens, largest_concurrency
from steptime.model.text.bases import energy_basis, price_basis

if TYPE_CHECKING:  # a step alone needs neither words nor an engine
    from steptime.model.api.command import Command
    from steptime.model.api.explained import Explanation
    from steptime.model.api.named import Named


@dataclass(frozen=True, repr=False)
class Beside(Shown, ABC):
    """The part of a step's answer that its terms do not enter."""

    schema: ClassVar[str] = "step"
    case: Case

    @property
    def estimate(self) -> Estimate | None:
        """What a real system is expected to take, with its band; None where nothing was calibrated for it."""
        return estimated(self.case)

    @property
    def price_basis(self) -> str | None:
        """What kind of price a chip-hour has: rent, list, ownership, estimate; None where it has none."""
        return price_basis(self.case)

    @property
    def energy_basis(self) -> str | None:
        """Whose watts the joules count: the chip's alone, or the system's; None where no power is known."""
        return energy_basis(self.case)

    @property
    def kv_room_tokens(self) -> float | None:
        """Tokens of KV cache that all chips have room for, in sequences as long as the context."""
        return kv_room_tokens(self.case)

    @property
    def largest_concurrency(self) -> int | None:
        """The most sequences in flight that fit at this layout and context; None where nothing limits them.

        >>> import steptime as st
        >>> step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", context=8192)
        >>> step.largest_concurrency, step.replace(batch=158).fits, step.replace(batch=159).fits
        (158, True, False)
        """
        return largest_concurrency(self.case)

    def command(self, engine: str, checkpoint: "Named | None" = None) -> "Command":
        """The command line that runs this layout on vllm, sglang, trtllm or megatron, or why there is none;
        ``checkpoint`` is a folder or a hub's name.

        >>> import steptime as st
        >>> step = st.step("deepseek-v3", "h200-sxm", layout="dp=8,ep=8")
        >>> print(*step.command("vllm", "deepseek-ai/DeepSeek-V3-0324").lines[:4], sep=chr(10))
        vllm serve deepseek-ai/DeepSeek-V3-0324 \\
            --tensor-parallel-size 1 \\
            --data-parallel-size 8 \\
            --enable-expert-parallel \\
        >>> step.replace(layout="tp=2,dp=4,ep=8").command("trtllm").refuses
        'tp=2 dp=4: attention is either tensor parallel or data parallel over all chips of a stage'
        """
        from steptime.model.api.command import Command, launch_of

        return Command(launch_of(self.case, engine, checkpoint))

    @property
    def time_to_first_token(self) -> float | None:
        """Seconds of a prefill: of this one, or, beside a decode step, of one request's context alone at its layout."""
        return first_token(self.case)

    def export(self, form: str = "latex") -> str:
        """The step's own formulas: as equations (latex, markdown), or as a function (python, c, js) whose arguments are
        the base quantities, each with its number here, and which answers with the bound and the estimate.

        >>> import steptime as st
        >>> text = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").export("python")
        >>> [line.strip() for line in text.splitlines() if line.strip().startswith("attention_flops =")]
        ['attention_flops = 1310720*flops_per_mac  # attention FLOP per token and per token of context [FLOP]']
        """
        from steptime.model.page.code import exported_step

        return exported_step(self.case, text_of(form, "`form`"))

    def report(self, form: str = "html") -> str:
        """The step as one page: html recomputes in a browser while controls are moved, from the step's own formulas,
        and asks nothing of any network; md is static. Raises UserError where the step has no time.

        >>> import steptime as st
        >>> st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").report("md").splitlines()[0]
        '# llama-3.1-70b on h100-sxm'
        """
        from steptime.model.page.document import document
        from steptime.model.page.markdown import markdown

        forms = {"html": document, "md": markdown}
        asked = text_of(form, "`form`")
        if asked not in forms:
            raise UserError(f"`form` {asked[:40]!r}: html or md")
        return forms[asked](self.case)

    def explain(self) -> "Explanation":
        """The step in five plain sentences with their numbers.

        >>> import steptime as st
        >>> print(st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").explain().sentences[3].partition(";")[2])
         there is room for 316 sequences of 4,096 tokens.
        """
        from steptime.model.api.explained import Explanation

        return Explanation(self.case)
