"""The page about a run: what it tells, and that it works in a browser."""

import os
import re
import shutil
import subprocess

import pytest
from batch.conftest import NAMES

from jwst_cal.batch import pictures, planning
from jwst_cal.cli import command


@pytest.fixture(scope="module")
def folder(raw, tmp_path_factory):
    """A run of three exposures, one of them cut off."""
    where = tmp_path_factory.mktemp("report")
    for name in NAMES[:3]:
        shutil.copy(raw / f"{name}_uncal.fits", where)
    os.truncate(where / f"{NAMES[1]}_uncal.fits", 20000)
    return where


@pytest.fixture
def page(folder, run_here):
    """The page as text, and its path."""
    path = folder / "report.html"
    if not path.exists():
        plan = planning.make([str(folder)], str(folder / "a <b>"), stages=[1],
                             parameters={"calwebb_detector1": {"steps": {"jump": {"skip": True}}}})
        assert run_here(plan).status == 1
        assert command.main(["report", str(folder / "a <b>"), "-o", str(path)]) == 0
    return path.read_text(encoding="utf-8"), path


def test_tells_what_happened(page):
    text, _ = page
    assert text.count("<tr data-status") == 3
    assert "1 failed</button>" in text
    assert "2 done</button>" in text
    assert "the file is truncated" in text
    assert f"strun calwebb_detector1 {page[1].parent / NAMES[1]}_uncal.fits" in text
    assert "--steps.jump.skip=true" in text
    assert "<title>a &lt;b&gt;</title>" in text
    assert text.count("data:image/png;base64,") == 2
    assert "no usable reference pixel" in text


def test_needs_no_network(page):
    text, _ = page
    assert not re.search(r"(?:src|href)=[\"'](?!data:)|@import|https?://", text)


def test_fewer_pictures(page, folder, tmp_path):
    assert command.main(["report", str(folder / "a <b>"), "-o", str(tmp_path / "x.html"),
                         "--pictures=1"]) == 0
    assert (tmp_path / "x.html").read_text().count("data:image/png") == 1


def test_pictures_are_png():
    import base64

    import numpy as np

    made = base64.b64decode(pictures.png(np.arange(12, dtype=np.uint8).reshape(3, 4)))
    assert made.startswith(b"\x89PNG")
    matplotlib = pytest.importorskip("matplotlib.image")
    import io

    read = matplotlib.imread(io.BytesIO(made))
    assert np.array_equal(np.round(read * 255), np.arange(12).reshape(3, 4))


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.skip("no chromium: apt-get install chromium")
    return found


def dom(browser, path, tmp_path, script, size="1400,900"):
    """The page after a script has used it."""
    copy = tmp_path / "used.html"
    copy.write_text(path.read_text(encoding="utf-8") + f"<script>{script}</script>",
                    encoding="utf-8")
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/me",
         f"--window-size={size}", "--dump-dom", f"file://{copy}"],
        capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def seen(browser, path, tmp_path, script):
    """Names of the rows that are shown after a script has used the page."""
    text = dom(browser, path, tmp_path, script)
    rows = re.findall(r"<tr data-status=\"\w+\"([^>]*)>.*?<b>\S+ (\S+)</b>", text, re.S)
    return [name for hidden, name in rows if "hidden" not in hidden]


@pytest.mark.parametrize(("script", "order"), [
    ("", [1, 0, 2]),  # failures first
    ("document.querySelectorAll('th')[1].click()", [0, 1, 2]),
    ("const h = document.querySelectorAll('th')[1]; h.click(); h.click()", [2, 1, 0]),
    ("document.querySelector('button.failed').click()", [0, 2]),
    ("search.value = '00003'; search.dispatchEvent(new Event('input'))", [2]),
])
def test_in_a_browser(page, browser, tmp_path, script, order):
    assert seen(browser, page[1], tmp_path, script) == [NAMES[at] for at in order]


@pytest.mark.parametrize("size", ["500,900", "1400,900"])
def test_fits_the_window(page, browser, tmp_path, size):
    script = "document.body.dataset.wide = document.documentElement.scrollWidth > innerWidth"
    assert 'data-wide="false"' in dom(browser, page[1], tmp_path, script, size)
