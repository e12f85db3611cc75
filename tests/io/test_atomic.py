"""A file that is written is whole or not there, and nothing is left beside it."""

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from xent.io import atomic_write, check_target


def test_new_and_replaced(tmp_path):
    path = tmp_path / "page.html"
    for text in ("one\n", "two\r\n"):
        with atomic_write(path) as file:
            file.write(text)
        assert path.read_bytes() == text.encode()
    assert os.listdir(tmp_path) == ["page.html"]


def test_bytes(tmp_path):
    with atomic_write(tmp_path / "a.bin", binary=True) as file:
        file.write(b"\x00\xff")
    assert (tmp_path / "a.bin").read_bytes() == b"\x00\xff"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "page.html"
    path.write_text("old")

    def fail() -> None:
        with atomic_write(path) as file:
            file.write("new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["page.html"]


def test_permissions_are_those_of_any_new_file_or_of_the_old_one(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    with atomic_write(tmp_path / "new"):
        pass
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    plain.chmod(0o640)
    with atomic_write(plain):
        pass
    assert stat.S_IMODE(plain.stat().st_mode) == 0o640


def test_inputs_are_never_overwritten(tmp_path):
    source = tmp_path / "t.csv"
    source.write_text("data")
    (tmp_path / "hard.csv").hardlink_to(source)
    (tmp_path / "soft.csv").symlink_to(source)
    for name in ("t.csv", "hard.csv", "soft.csv", "../" + tmp_path.name + "/t.csv"):
        with pytest.raises(ValueError, match="is an input"), atomic_write(tmp_path / name, inputs=[source]):
            pass
    assert source.read_text() == "data"


def test_a_link_keeps_pointing(tmp_path):
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    with atomic_write(tmp_path / "link.html") as file:
        file.write("new")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text() == "new"


def test_what_is_no_regular_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not a regular file"), atomic_write(tmp_path):
        pass
    with pytest.raises(ValueError, match="not a regular file"), atomic_write("/dev/null"):
        pass
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "nowhere" / "page.html"):
        pass


def test_kill_leaves_the_old_file_or_the_new(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    code = (
        "import sys\nfrom xent.io import atomic_write\nwhile True:\n"
        "    with atomic_write(sys.argv[1]) as file:\n        file.write('new' * 100_000)\n        print(flush=True)\n"
    )
    for delay in (0.0, 0.003, 0.01):
        with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
        assert path.read_text() in ("old", "new" * 100_000)


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="files without names are Linux's")
def test_kill_while_it_is_written_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    code = (
        "import sys, time\nfrom xent.io import atomic_write\nwith atomic_write(sys.argv[1]) as file:\n"
        "    file.write('new' * 100_000)\n    file.flush()\n    print(flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["page.html"]


def test_without_files_that_have_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr("xent.io._atomic._DESCRIPTORS", str(tmp_path / "nowhere"))
    with atomic_write(tmp_path / "page.html") as file:
        file.write("new")
        assert len(os.listdir(tmp_path)) == 1
    assert os.listdir(tmp_path) == ["page.html"]
    assert (tmp_path / "page.html").read_text() == "new"


def test_a_target_is_refused_before_there_is_anything_to_write(tmp_path):
    (tmp_path / "t.csv").write_text("data")
    check_target(tmp_path / "page.html")
    check_target(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="is an input"):
        check_target(tmp_path / "t.csv", inputs=[tmp_path / "t.csv"])
    with pytest.raises(ValueError, match="not a regular file"):
        check_target(tmp_path)
    with pytest.raises(FileNotFoundError):
        check_target(tmp_path / "nowhere" / "page.html")
    with pytest.raises(NotADirectoryError):
        check_target(tmp_path / "t.csv" / "page.html")
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    if not os.access(shut, os.W_OK):  # as root one may write everywhere
        with pytest.raises(PermissionError):
            check_target(shut / "page.html")
