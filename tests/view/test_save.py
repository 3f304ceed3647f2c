"""What a command writes stands whole under its name, or the older file as it was."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from steptime.model.view import save as saving
from steptime.model.view.save import discard, save, unfinished

OLD = "what was there before\n"


def full(handle: int) -> None:
    """A disk that takes the bytes and has no room when they must reach it, as with delayed allocation."""
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(handle: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("failure", [full, interrupted])
def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch, failure) -> None:
    (tmp_path / "out.tex").write_text(OLD)
    monkeypatch.setattr(os, "fsync", failure)
    with pytest.raises((OSError, KeyboardInterrupt)):
        save(str(tmp_path / "out.tex"), "new")
    assert (tmp_path / "out.tex").read_text() == OLD and os.listdir(tmp_path) == ["out.tex"] and not unfinished


def test_until_it_is_whole_the_old_file_stands(tmp_path: Path, monkeypatch) -> None:
    """At the last moment before the move the name still means the old text, and the new one is complete beside it."""
    (tmp_path / "out.tex").write_text(OLD)
    move, seen = os.replace, []

    def looked(source: str, target: str) -> None:
        seen.append((Path(source).read_text(), Path(target).read_text(), os.path.dirname(source) == str(tmp_path)))
        move(source, target)

    monkeypatch.setattr(os, "replace", looked)
    save(str(tmp_path / "out.tex"), "new")
    assert seen == [("new", OLD, True)] and (tmp_path / "out.tex").read_text() == "new"


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "out.tex").write_text(OLD)
    (tmp_path / "out.tex").chmod(0o640)
    (tmp_path / "link.tex").symlink_to("out.tex")
    save(str(tmp_path / "link.tex"), "new")
    assert (tmp_path / "link.tex").is_symlink() and (tmp_path / "out.tex").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "out.tex").stat().st_mode) == 0o640


def test_a_new_file_has_the_mode_of_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save(str(tmp_path / "new.tex"), "new")
        assert stat.S_IMODE((tmp_path / "new.tex").stat().st_mode) == 0o640 and os.umask(0o027) == 0o027
    finally:
        os.umask(before)


def test_a_device_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    """A pipe stands for all: a broken product must not take the machine's /dev/null away."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError):  # nobody reads from it, and it does not wait
        save(str(tmp_path / "pipe"), "new")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    save(str(tmp_path / "pipe"), "new")
    assert os.read(reader, 100) == b"new" and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    os.close(reader)


def test_who_ends_at_once_takes_away_what_was_begun(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "begun.part").write_text("half")
    monkeypatch.setattr(saving, "unfinished", {str(tmp_path / "begun.part"), str(tmp_path / "gone.part")})
    discard()
    assert not os.listdir(tmp_path)


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the command is told so in one line, and has written nothing."""
    (tmp_path / "out.tex").write_text(OLD)
    code = ("import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)); "
            "from steptime.cli import main; sys.argv[1:] = ['latex', 'ridge', '-o', 'out.tex']; main()")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    # Where it takes long, progress is said too.
    said = [line for line in done.stderr.splitlines() if not line.startswith("verified: ")]
    assert (done.returncode, done.stdout) == (2, "")
    assert len(said) == 1 and said[0].startswith("error: out.tex: cannot be written (File too large)")
    assert (tmp_path / "out.tex").read_text() == OLD and os.listdir(tmp_path) == ["out.tex"]


def test_latex_writes_what_it_prints(tmp_path: Path, run) -> None:
    _, printed, _ = run("latex", "ridge")
    assert run("latex", "ridge", "-o", str(tmp_path / "out.tex")) == (0, "", "")
    assert (tmp_path / "out.tex").read_text() == printed and os.listdir(tmp_path) == ["out.tex"]
