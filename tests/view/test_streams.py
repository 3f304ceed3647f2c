"""Streams that are closed, full or left by their reader, and Ctrl-C: an exit code that is true, and no traceback."""

import io
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from steptime.model.view import progress
from steptime.model.view.progress import Progress

STEPTIME = f"{sys.executable} -m steptime.cli"
needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")


def shell(line: str) -> tuple[int, str, str]:
    """A line of bash, in which ``steptime`` is the command: exit code, standard output, standard error."""
    line = f'steptime() {{ {STEPTIME} "$@"; }}; {line}'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


CLOSED = (2, "", "error: the output cannot be written (Bad file descriptor)\n")
FULL = (2, "", "error: the output cannot be written (No space left on device)\n")
LEFT = (0, "", "")


@pytest.mark.parametrize(("line", "expected"), [
    ("steptime step gpt2 h100-sxm >&-", CLOSED),
    ("steptime step gpt2 h100-sxm --json >&-", CLOSED),
    ("steptime --help >&-", CLOSED),
    ("steptime step gpt2 h100-sxm >&- 2>&-", (2, "", "")),
    ("steptime step gpt2 h10-sxm 2>&-", (2, "", "")),
    pytest.param("steptime step gpt2 h10-sxm 2>/dev/full", (2, "", ""), marks=needs_full),
    pytest.param("steptime 2>/dev/full", (2, "", ""), marks=needs_full),
    pytest.param("steptime step gpt2 h100-sxm >/dev/full 2>/dev/full", (2, "", ""), marks=needs_full),
    pytest.param("steptime --help >/dev/full", FULL, marks=needs_full),
    ("steptime step gpt2 h100-sxm | head -0; exit ${PIPESTATUS[0]}", LEFT),
    ("steptime step gpt2 h100-sxm --json | head -0; exit ${PIPESTATUS[0]}", LEFT),
    ("steptime --help | head -0; exit ${PIPESTATUS[0]}", LEFT),
    ("steptime solve layout gpt2 h100-sxm --chips 2 --csv | head -0; exit ${PIPESTATUS[0]}", LEFT),
], ids=str)  # fmt: skip
def test_a_stream_that_takes_nothing(line: str, expected: tuple[int, str, str]) -> None:
    """Nowhere to write is what was wrong in the call, 2; a reader who has had enough is no error, 0; and what cannot be
    said on stderr changes no code."""
    assert shell(line) == expected


def test_a_file_is_written_where_nothing_can_be_printed(tmp_path: Path) -> None:
    code, out, err = shell(f"steptime latex ridge -o {tmp_path}/out.tex >&-")
    assert (code, out) == (0, "")
    assert [line for line in err.splitlines() if not line.startswith("verified: ")] == []  # progress, if it takes long
    assert (tmp_path / "out.tex").read_text().count("\n") > 5


def heeded() -> None:
    """Ctrl-C as a terminal's user has it, though these tests may run in the background, where it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


AT = """
import os, signal, sys
class At:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000): pass
sys.meta_path.insert(0, At())
from steptime.cli import main
sys.argv[1:] = ["solve", "batch", "gpt2", "h100-sxm"]
main()
"""


@pytest.mark.parametrize(
    "module", ["click", "click.core", "steptime.model.view.solve", "sympy", "numpy", "numpy._core.multiarray",
               "scipy.optimize", "steptime.model.solver.batch"])  # fmt: skip
def test_ctrl_c_while_something_is_imported(module: str) -> None:
    """Some libraries make another error of it on the way, and some lose it."""
    done = subprocess.run([sys.executable, "-c", AT.format(name=module)], capture_output=True, text=True, timeout=120,
                          check=False, preexec_fn=heeded)  # fmt: skip
    early = module.startswith(("click", "steptime.model.view"))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "" if early else "interrupted\n")


@needs_full
def test_ctrl_c_where_nothing_can_be_said() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", AT.format(name="sympy")], stdout=full, stderr=full, timeout=120,
                              check=False, preexec_fn=heeded)  # fmt: skip
    assert done.returncode == 130


def test_a_process_that_ignores_ctrl_c_goes_on() -> None:
    """As those started in the background by a script, or under nohup."""
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)" + AT.format(name="sympy")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "batch" in done.stdout


def test_warnings_of_libraries_stay_inside() -> None:
    """Unless they are asked for, as with python -W."""
    code = ("import sys, warnings; from steptime.cli import main; import click; echo = click.echo\n"
            "click.echo = lambda *a, **k: (warnings.warn('overflow', RuntimeWarning), echo(*a, **k))\n"
            "sys.argv[1:] = ['step', 'gpt2', 'h100-sxm', '--json']; main()")  # fmt: skip
    quiet, asked = (subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120,
                                   check=False) for options in ([], ["-W", "always"]))  # fmt: skip
    assert (quiet.returncode, quiet.stderr) == (0, "") and "overflow" in asked.stderr


def test_no_warning_of_numbers_at_the_edges_of_what_may_be_asked(run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for edge in (["--set", "memory_bandwidth=1kB/s", "--set", "peak_flops=1e29FLOP/s"],
                     ["--context", "1e9", "--set", "scale_up_bandwidth=1kB/s"]):  # fmt: skip
            for command in ("step", "solve batch", "solve crossover", "solve layout --chips 1,8"):
                code, _, err = run(*command.split(), "llama-3.1-70b", "h100-sxm", *edge)
                assert code in (0, 2), err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *shares: float) -> str:
    """What stands on a stream after some progress, of work that began long ago, and an error."""
    from steptime.cli import fail

    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "_standing", 0)
    line = Progress("rows")
    line.started -= 100
    for share in shares:
        line.show(share)
    with pytest.raises(SystemExit):
        fail("error: a sentence", 2)
    return stream.getvalue()


@pytest.mark.parametrize("shares", [(0.2,), (0.2, 1.0), ()])
def test_an_error_after_progress_has_its_own_line(monkeypatch: pytest.MonkeyPatch, shares: tuple[float, ...]) -> None:
    """On a terminal the line of progress is wiped away first; elsewhere each is a line."""
    rows = shown(monkeypatch, Terminal(), *shares).split("\n")
    overwritten = rows[0].split("\r")
    assert len(rows) == 2 and overwritten[-1] == "error: a sentence"
    assert all(not over.strip() for over in overwritten[1:-1:2]) or not shares
    plain = shown(monkeypatch, io.StringIO(), *shares).split("\n")
    assert plain[-2:] == ["error: a sentence", ""] and all(line.startswith("rows: ") for line in plain[:-2])


class Full(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


def test_progress_that_cannot_be_shown_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    line = Progress("rows")
    line.started -= 100
    line.show(0.5)
    line.show(1.0)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs signals")
def test_ctrl_c_in_the_middle_of_work() -> None:
    command = [sys.executable, "-m", "steptime.cli", "validate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=heeded) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().startswith("rows: ")  # after two seconds of work
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "") and err.splitlines()[-1] == "interrupted" and "Traceback" not in err


def test_only_a_process_of_its_own_looks_less_often_for_what_is_no_longer_used() -> None:
    """Whoever calls the command from a program has chosen how often that is done."""
    asked = """
import atexit, gc, sys
from steptime.cli import main
before = gc.get_threshold()
try:
    main(["--version"])
except SystemExit:
    print(gc.get_threshold() == before)
sys.argv = ["steptime", "--version"]
atexit.register(lambda: print(gc.get_threshold()[0] >= 10 * before[0]))
main()
"""
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split()[1::2] == ["True", "True"]
