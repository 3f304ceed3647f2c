"""The command line: its entry point, and what becomes of errors. Commands live in ``model.view``, one file each."""

import gc
import os
import signal
import sys
import warnings
from contextlib import suppress
from types import FrameType
from typing import NoReturn, TextIO

try:
    import click

    from steptime.model.errors import NotSolved, NotVerified, Unbound, printable
    from steptime.model.view.calibrate import calibrate
    from steptime.model.view.catalog import catalog
    from steptime.model.view.compare import compare
    from steptime.model.view.derive import derive, latex
    from steptime.model.view.explain import explain
    from steptime.model.view.plot import plot
    from steptime.model.view.progress import wipe
    from steptime.model.view.report import report
    from steptime.model.view.save import discard
    from steptime.model.view.solve import solve
    from steptime.model.view.step import step
    from steptime.model.view.suggest import SuggestingGroup
    from steptime.model.view.sweep import sweep
    from steptime.model.view.validate import validate
except KeyboardInterrupt:  # before there is anything to stop
    sys.exit(130)

COLLECTED = 50_000
"""How many more objects there are when Python looks for what is no longer used: expressions are remembered, and looking
through them whenever there are seven hundred more takes a tenth of the time of a proof."""


@click.group(cls=SuggestingGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="steptime", message="%(version)s")
def steptime() -> None:
    """How long one step of an LLM takes: t_step = max(compute, memory, interconnect), in closed form.

    MODEL is a catalogue name, a Hugging Face config.json, or a TOML of quantities; HARDWARE is a catalogue name or a
    TOML.

    A shell completes their names after eval "$(_STEPTIME_COMPLETE=bash_source steptime)"; zsh_source and fish_source
    likewise.
    """


for command in (step, explain, solve, sweep, plot, report, validate, compare, calibrate, catalog, derive, latex):
    steptime.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """The entry point: what the user got wrong is one line on stderr and exit code 2."""
    if arguments is None:  # a process of its own
        _prepare()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no Greek still gets its numbers
    try:
        outcome = steptime.main(arguments, prog_name="steptime", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        fail(error.format_message(), 2)
    except click.ClickException as error:
        fail(f"error: {_one_line(error.format_message())}", 2)
    except click.Abort:
        fail("interrupted", 130)
    except (BrokenPipeError, SystemExit):  # as click and rich leave: who reads the output has had enough
        _to_nowhere(sys.stdout)
        sys.exit(0)
    except OSError as error:  # a full disk, or no output at all
        _to_nowhere(sys.stdout)  # what is left is not tried again at exit
        fail(f"error: the output cannot be written ({error.strerror})", 2)
    except (NotSolved, NotVerified) as error:  # what failed its check is an error, not an answer
        fail(f"error: {_one_line(str(error))}", 1)
    except Unbound as error:
        fail(f"error: {_one_line(str(error))}", 2)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _prepare() -> None:
    """What belongs to a process of its own: Ctrl-C ends it at once, warnings of libraries are not for its user, what is
    kept is seldom searched for what is not, and streams that it was started without lead nowhere."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else whoever started it has it ignored
        signal.signal(signal.SIGINT, _interrupted)
    gc.set_threshold(COLLECTED)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    if sys.stdout is None:  # opened to be read, so that writing is an error, as on any closed stream
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """At once, wherever it is: an exception would be lost in an import, or come out of it as another one."""
    try:
        discard()
        os.write(2, b"\n" * os.isatty(2) + b"interrupted\n")  # on a terminal below what stands in its last row
    finally:
        os._exit(130)


def fail(message: str, code: int) -> NoReturn:
    """Say what went wrong, if there is anywhere to say it."""
    wipe()
    with suppress(OSError):
        click.echo(message, err=True)
    sys.exit(code)


def _to_nowhere(stream: TextIO) -> None:
    """What is written to a stream from now on, and what it still holds, goes nowhere."""
    with suppress(OSError, ValueError):  # of a stream without a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))


if __name__ == "__main__":
    main()
