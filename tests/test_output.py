"""The effect of -o on the file system."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ovreport.files import check_writable, write_whole


def test_output_through_a_link_replaces_its_target(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "report.html", tmp_path / "latest.html"
    target.write_text("old")
    link.symlink_to(target)
    check_writable(link, "-o")
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_output_keeps_the_permissions_of_the_file(tmp_path: Path) -> None:
    private, new = tmp_path / "private.html", tmp_path / "new.html"
    private.touch(0o600)
    write_whole(private, "new")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    write_whole(new, "new")
    (tmp_path / "usual").touch()
    assert new.stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_output_to_a_device_is_written_in_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    check_writable(pipe, "-o")
    write_whole(pipe, "report")
    assert os.read(reader, 100) == b"report"
    os.close(reader)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_what_a_killed_process_was_writing_is_removed_by_the_next_start(tmp_path: Path) -> None:
    report = tmp_path / ("報告" * 20 + ".html")
    writing = (
        "import os, signal, sys; from pathlib import Path; from ovreport import files;"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL);"
        "files.write_whole(Path(sys.argv[1]), 'new')"
    )
    killed = subprocess.run([sys.executable, "-c", writing, str(report)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (abandoned,) = tmp_path.iterdir()
    # Neither of these is a file that a killed process left.
    others = [tmp_path / f".{report.name}.abcdefgh", tmp_path / ".other.html.abcd.ovreport-part"]
    for other in others:
        other.touch()
    with abandoned.open() as used:
        fcntl.flock(used, fcntl.LOCK_EX)
        check_writable(report, "-o")
        assert abandoned.exists(), "its owner is still there"
    check_writable(report, "-o")
    assert sorted(tmp_path.iterdir()) == sorted(others)
