"""Options of a command in groups: what is asked first, then the scenario, training, layout, formats, and the output.

Imports nothing heavy: help must come at once.
"""

from collections.abc import Iterator, Sequence

import click

GROUPS = {
    "Scenario": ("phase", "batch", "context", "prompt", "cached", "chunk", "output", "scope", "overlap", "experts",
                 "efficiency", "basis", "sets", "ranges", "scenario"),
    "Training": ("sequence", "microbatch", "interleave", "recompute", "zero", "sequence_parallel", "schedule",
                 "attention", "attention_kernel", "dropout", "tokens"),
    "Layout": ("layout", "chips", "usable_memory"),
    "Formats": ("weights", "kv", "activations"),
    "Output": ("as_json", "as_csv", "unfolded", "save"),
}  # fmt: skip
"""Arguments by group; whatever stands in none is the command's own question, and comes first."""
OWN = "Options"


def group_of(option: click.Parameter) -> str:
    """The group of an option; a file to be written, and help, are of the output."""
    if {"-o", "--help"} & {*option.opts}:
        return "Output"
    return next((group for group, names in GROUPS.items() if option.name in names), OWN)


def grouped(options: Sequence[click.Parameter]) -> Iterator[tuple[str, list[click.Option]]]:
    """The groups that have an option, in their order."""
    for group in (OWN, *GROUPS):
        if found := [one for one in options if isinstance(one, click.Option) and group_of(one) == group]:
            yield group, found


def write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The options of a command, a paragraph a group."""
    for group, options in grouped(command.get_params(ctx)):
        if records := [record for option in options if (record := option.get_help_record(ctx)) is not None]:
            with formatter.section(group):
                formatter.write_dl(records)
