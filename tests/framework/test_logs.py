"""Logging: configuration files, what is touched and restored, the lines kept in the product."""

import io
import logging
import re
import sys
import threading

import pytest

from jwst_cal.errors import LoggedError, ParameterError
from jwst_cal.framework import logs
from jwst_cal.framework.logs import LogSetup, applied, choose, read, recording

log = logging.getLogger("jwst_cal.some.module")


@pytest.fixture(autouse=True)
def _no_configuration_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "SEARCHED", ("stpipe-log.cfg",))


def config(tmp_path, text, name="log.cfg"):
    file = tmp_path / name
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[*]\nhandler = file:pipeline.log\nlevel = INFO", LogSetup(("file:pipeline.log",))),
        ("handler = file:pipeline.log\nlevel = INFO", LogSetup(("file:pipeline.log",))),
        ("[root]\nlevel = debug", LogSetup(level=10)),
        ("[.]\nlevel = 35", LogSetup(level=35)),
        ("[*]\nhandler = stderr, append:a.log,null", LogSetup(("stderr", "append:a.log", "null"))),
        ("[*]\nbreak_level = ERROR", LogSetup(break_level=40)),
        ('[*]\nformat = "%(message)s"', LogSetup(format="%(message)s")),
        ("", LogSetup()),
    ],
)
def test_read(tmp_path, text, expected):
    assert read(config(tmp_path, text)) == expected


def test_of_several_sections_the_first_general_one_is_used(tmp_path):
    setup = read(config(tmp_path, "[stpipe.jump]\nlevel = 10\n[root]\nlevel = 40\n[*]\nlevel = 20"))
    assert setup.level == 40
    assert setup.warnings == (
        "section [stpipe.jump] of the log configuration is not used; only [*] is",
        "section [*] of the log configuration is not used; only [*] is",
    )


def test_only_sections_of_single_loggers_leave_the_default(tmp_path):
    assert read(config(tmp_path, "[stpipe.jump]\nlevel = 10"))._replace(warnings=()) == LogSetup()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[*]\nhandler = bogus", "unknown log handler 'bogus'"),
        ("[*]\nhandler = file:", "unknown log handler 'file:'"),
        ("[*]\nlevel = LOUD", "unknown log level 'LOUD'"),
        ("[*]\ncolour = red", "unknown entry 'colour'"),
        ("[*]\nformat = %(nonsense", "format"),
        ("words", "line 1"),
    ],
)
def test_read_refuses(tmp_path, text, problem):
    with pytest.raises(ParameterError, match=problem) as caught:
        read(config(tmp_path, text))
    assert "log.cfg" in str(caught.value)


def test_missing_configuration(tmp_path):
    with pytest.raises(ParameterError, match=r"there is no log configuration '.*no\.cfg'"):
        read(tmp_path / "no.cfg")


def test_choose_prefers_options_over_files(tmp_path):
    assert choose() == LogSetup(("stdout",), logging.INFO)
    config(tmp_path, "[*]\nlevel = ERROR", "stpipe-log.cfg")
    other = config(tmp_path, "[*]\nlevel = DEBUG")
    assert choose().level == logging.ERROR
    assert choose(logcfg=other).level == logging.DEBUG
    assert choose(logcfg=other, level="warning").level == logging.WARNING
    assert choose(level="error", verbose=True).level == logging.DEBUG
    assert choose(stream="stderr") == LogSetup(("stderr",), logging.INFO)
    assert choose(file="x.log").handlers == ("stdout", "file:x.log")
    with pytest.raises(ParameterError, match="unknown log level 'ZZZ'"):
        choose(level="ZZZ")


def test_lines_go_where_they_are_sent(tmp_path, capsys):
    with applied(LogSetup(("stdout", "file:a.log", "append:b.log"), format="%(message)s")):
        log.info("one")
        log.debug("not this")
    (tmp_path / "b.log").write_text("before\n")
    with applied(LogSetup(("stderr", "file:a.log", "append:b.log"), format="%(message)s")):
        log.info("two")
    captured = capsys.readouterr()
    assert captured.out == "one\n"
    assert captured.err == "two\n"
    assert (tmp_path / "a.log").read_text() == "two\n"
    assert (tmp_path / "b.log").read_text() == "before\ntwo\n"


def test_python_warnings_are_logged(capsys):
    import warnings

    with applied(LogSetup(format="%(name)s %(message)s")), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", UserWarning, stacklevel=1)
    assert "py.warnings" in capsys.readouterr().out


def state():
    root = logging.getLogger()
    ours = [logging.getLogger(name) for name in logs.LOGGERS]
    kinds = [(logger.level, sorted(type(h).__name__ for h in logger.handlers)) for logger in ours]
    return [(root.level, list(root.handlers)), *kinds]  # crds makes its console handler anew


def test_everything_is_put_back_and_the_root_logger_never_touched():
    before = state()
    with applied(LogSetup(("null",), logging.DEBUG)):
        assert state()[0] == before[0]
        assert state() != before
    assert state() == before
    with pytest.raises(KeyError), applied(LogSetup(("null",), logging.DEBUG)):
        raise KeyError
    assert state() == before


def test_importing_the_package_touches_no_logger():
    import subprocess

    code = (
        "import logging; before = len(logging.getLogger().handlers), logging.getLogger().level\n"
        "import jwst_cal.framework, jwst_cal.framework.logs\n"
        "assert (len(logging.getLogger().handlers), logging.getLogger().level) == before\n"
        "assert not any(logging.getLogger(n).handlers for n in jwst_cal.framework.logs.LOGGERS)\n"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_a_configuration_that_is_active_stays(capsys):
    with applied(LogSetup(format="outer %(message)s")), applied(LogSetup(format="inner")):
        log.info("x")
    assert capsys.readouterr().out == "outer x\n"


def test_break_level_stops_the_run(capsys):
    def run():
        with applied(LogSetup(("stdout",), break_level=logging.WARNING, format="%(message)s")):
            log.info("fine")
            log.warning("too bad")
            log.info("never")

    with pytest.raises(LoggedError, match="too bad"):
        run()
    assert capsys.readouterr().out == "fine\ntoo bad\n"


def test_unwritable_log_file():
    setup = LogSetup(("file:no/x.log",))
    with (
        pytest.raises(ParameterError, match=r"cannot write the log file 'no/x\.log': No such file"),
        applied(setup),
    ):
        pass
    assert not logs.is_active()


def test_full_disk_is_said_once(monkeypatch, capsys):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    with applied(LogSetup()):
        monkeypatch.setattr(sys, "stdout", Full())
        log.info("one")
        log.info("two")
    assert capsys.readouterr().err == "cannot write the log: No space left on device\n"


# -- lines kept in the product ------------------------------------------------------------------


def test_recorded_lines():
    with applied(LogSetup(("null",))) as lines:
        log.info("read %s", "/data/run3/x_uncal.fits")
        with recording() as inner:
            log.warning("inside")
        log.debug("below the level")
    assert inner is lines
    assert len(lines) == 2
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} - jwst_cal\.some\.module - INFO - "
        r"read x_uncal\.fits",
        lines[0],
    )


def test_times_are_utc(monkeypatch):
    import time

    with recording() as lines:
        log.warning("x")
    stamp = time.strptime(lines[0].partition(".")[0], "%Y-%m-%dT%H:%M:%S")
    assert abs(time.time() - __import__("calendar").timegm(stamp)) < 5


def test_without_a_configuration_levels_are_not_changed():
    before = state()
    with recording() as lines:
        log.warning("kept")
    assert [line.rpartition(" - ")[2] for line in lines] == ["kept"]
    assert state() == before


def test_lines_of_another_thread_run_are_not_ours():
    def other():
        with recording() as theirs:
            log.warning("theirs")
            found.extend(theirs)

    found = []
    with recording() as lines:
        log.warning("ours")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert [line[-4:] for line in lines] == ["ours"]
    assert [line[-6:] for line in found] == ["theirs"]


PRIVATE = re.compile(r"(?<!\w)(?:ann|pc7)(?!\w)")


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("saved /a/b/c.fits in /d/e", "saved c.fits in e"),
        ("relative a/b/c.fits", "relative a/b/c.fits"),
        ("rate in DN/s/pixel", "rate in DN/s/pixel"),
        ("user ann ran it", ""),
        ("the annual cannon", "the annual cannon"),
        ("host pc7: hello", ""),
        ("/home/ann/x.fits", "x.fits"),
        ("args ('/home/j doe/my data/x.fits', 5)", "args ('x.fits', 5)"),
        ("wrote '/home/j doe/out/'", "wrote 'out'"),
        ("'a' and 'b' in DN/s", "'a' and 'b' in DN/s"),
        ("server 192.168.1.20 answered", ""),
        ("server fe80::1ff:fe23:4567:890a answered", ""),
        ("2024-01-01T12:34:56 - jwst::jump 1.20.0", "2024-01-01T12:34:56 - jwst::jump 1.20.0"),
    ],
)  # fmt: skip
def test_scrub(line, kept):
    assert logs.scrub(line, PRIVATE) == kept


# -- the progress line --------------------------------------------------------------------------


def test_no_progress_line_in_a_pipe(capsys):
    with logs.progress("working"):
        logs.status("step 1")
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_line_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    long = "a line that is not wrapped [bold] " * 4
    with logs.progress("working"), applied(LogSetup(format="%(message)s")):
        logs.status("step 1")
        log.info("%s", long)
        print("printed")
        logs._line.refresh()
    assert f"{long}\n" in screen.getvalue()
    assert "printed\n" in screen.getvalue()
    assert "step 1" in screen.getvalue()
    assert logs._line is None
    assert sys.stdout is screen


def test_log_on_stderr_in_a_file_while_the_terminal_shows_progress(monkeypatch):
    screen, file = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", file)
    monkeypatch.setenv("TERM", "xterm")
    with logs.progress("working"), applied(LogSetup(("stderr",), format="%(message)s")):
        log.info("a line")
    assert file.getvalue() == "a line\n"
    assert "a line" not in screen.getvalue()
