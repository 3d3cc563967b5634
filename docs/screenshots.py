"""Measure three models and take the pictures of docs/ from their reports.

    python samples/make_model.py
    python docs/screenshots.py --ocr ch_PP-OCRv4_det_infer.onnx

Run it on a machine that does nothing else, as the pictures show measured figures. It takes about
three minutes. The
model of PP-OCR is the text detector in the wheel ``rapidocr_onnxruntime``. It needs the
browsers of the tests, and ``pdftoppm`` (poppler-utils) for a picture of a printed page. With
``--work``, run files and reports stay in a folder, and models that have a run file there are not
measured again.
"""

from __future__ import annotations

import argparse
import base64
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from selenium.webdriver import Chrome

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))
from browser import chromium, resize  # noqa: E402

OCR_SHAPE = "[1,3,480,640]"
# Text has no fringes with this many colours; a picture of all colours is three times as large.
COLOURS = 128


@dataclass(frozen=True)
class Shot:
    """One picture: its report, its first element, its size and its colour scheme."""

    name: str
    report: str
    target: str = ""
    """A selector of the first element; empty for the top of the page."""
    width: int = 1280
    height: int = 900
    dark: bool = False


SHOTS = (
    Shot("report", "squeezenet"),
    Shot("report-versions", "versions"),
    Shot("report-dark", "versions", "[id^='waterfall-']", dark=True),
    Shot("report-layers", "ocr", "#bottlenecks"),
    Shot("report-narrow", "ocr", width=390, height=844),
)
PRINTED = ("report-print", "ocr")


def measure(folder: Path, name: str, arguments: Sequence[str]) -> None:
    """Measure a model, or only render its report if its run file exists."""
    run_file, report = folder / f"{name}.jsonl", folder / f"{name}.html"
    command = ["render", str(run_file)] if run_file.exists() else ["run", *arguments]
    subprocess.run(
        [sys.executable, "-m", "ovreport", *command, "-o", str(report)],
        check=True,
        cwd=DOCS.parent,
    )


def photograph(driver: Chrome, report: Path, shot: Shot) -> Image.Image:
    """Return a picture of what a reader sees, without scroll bars."""
    resize(driver, shot.width, shot.height)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if shot.dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
    driver.get(report.as_uri())
    driver.execute_script(
        "if (arguments[0]) document.querySelector(arguments[0]).scrollIntoView()", shot.target
    )
    time.sleep(1)  # the browser lays out sections when they come into sight
    return Image.open(io.BytesIO(base64.b64decode(driver.get_screenshot_as_base64())))


def printed(driver: Chrome, report: Path, folder: Path) -> Image.Image:
    """Return a picture of the first page on paper."""
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    driver.get(report.as_uri())
    pdf = driver.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
    file = folder / "report.pdf"
    file.write_bytes(base64.b64decode(pdf["data"]))
    page = folder / "page"
    subprocess.run(
        ["pdftoppm", "-png", "-r", "80", "-f", "1", "-singlefile", str(file), str(page)], check=True
    )
    return Image.open(page.with_suffix(".png"))


def save(picture: Image.Image, name: str) -> None:
    """Write a picture into docs/, reduced to few colours."""
    target = DOCS / f"{name}.png"
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size >> 10} KiB")


def main() -> None:
    """Measure, open the reports, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--ocr", required=True, help="the text detector of PP-OCR, as ONNX")
    parser.add_argument("--work", type=Path, help="keep run files and reports in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.work or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        measure(folder, "squeezenet", ["samples/quickstart.toml"])
        measure(folder, "versions", ["samples/versions.toml"])
        measure(folder, "ocr", [str(Path(options.ocr).resolve()), "--shape", OCR_SHAPE])
        with chromium(Path(temporary) / "profile") as driver:
            for shot in SHOTS:
                save(photograph(driver, folder / f"{shot.report}.html", shot), shot.name)
            name, report = PRINTED
            save(printed(driver, folder / f"{report}.html", Path(temporary)), name)


if __name__ == "__main__":
    main()
