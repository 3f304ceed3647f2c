"""The command line: its entry point, and what becomes of errors. Commands live in ``model.view``, one file each."""

import os
import sys

import click

from steptime.model.errors import NotSolved, NotVerified, Unbound
from steptime.model.view.catalog import catalog
from steptime.model.view.derive import derive, latex
from steptime.model.view.solve import solve
from steptime.model.view.step import step
from steptime.model.view.suggest import SuggestingGroup
from steptime.model.view.validate import validate


@click.group(cls=SuggestingGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="steptime", message="%(version)s")
def steptime() -> None:
    """How long one step of an LLM takes: t_step = max(compute, memory, interconnect), in closed form.

    MODEL is a catalogue name, a Hugging Face config.json, or a TOML of quantities; HARDWARE is a catalogue name or a
    TOML.
    """


for command in (step, solve, validate, catalog, derive, latex):
    steptime.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """The entry point: what the user got wrong is one line on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no Greek still gets its numbers
    try:
        outcome = steptime.main(arguments, prog_name="steptime", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        fail(error.format_message(), 2)
    except click.ClickException as error:
        fail(f"error: {_one_line(error.format_message())}", 2)
    except click.Abort:
        fail("interrupted", 130)
    except BrokenPipeError:
        sys.exit(0)
    except OSError as error:
        fail(f"error: the output cannot be written ({error.strerror})", 2)
    except (NotSolved, NotVerified) as error:  # what failed its check is an error, not an answer
        fail(f"error: {_one_line(str(error))}", 1)
    except Unbound as error:
        fail(f"error: {_one_line(str(error))}", 2)
    else:
        flush()
        sys.exit(outcome if isinstance(outcome, int) else 0)


def flush() -> None:
    """Write out what is left; a full disk is said in one line."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is not tried again at exit
        fail(f"error: the output cannot be written ({error.strerror})", 2)


def fail(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    main()
