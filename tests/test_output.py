"""The effect of -o on the file system."""

import os
import stat
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
