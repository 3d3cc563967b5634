"""Drivers of a real Chromium and a real Firefox, and helpers that read a page in them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket  # comes with selenium
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait


def missing_programs(*programs: str) -> list[str]:
    """Return the programs that are not installed; by default those that Chromium needs."""
    needed = programs or ("chromium", "chromedriver")
    return [program for program in needed if shutil.which(program) is None]


class Chromium(webdriver.Chrome):
    """A Chromium driver whose ``get`` waits until the page is loaded.

    ChromeDriver takes the end of the old page, where it comes after the answer to the command,
    for the end of loading, and returns while the new one is being read.
    """

    def get(self, url: str) -> None:
        super().get(url)
        complete = "return document.readyState === 'complete'"
        WebDriverWait(self, 60).until(lambda driver: driver.execute_script(complete))


@contextmanager
def chromium(profile: Path, *, scripts: bool = True) -> Iterator[webdriver.Chrome]:
    """Start a headless browser with a new profile, which keeps console and network logs."""
    options = webdriver.ChromeOptions()
    for word in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", f"--user-data-dir={profile}",
    ):  # fmt: skip
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Otherwise it opens a start page, which loads at the same time as ours.
    preferences = {"session.restore_on_startup": 4, "session.startup_urls": ["about:blank"]}
    if not scripts:
        preferences["profile.managed_default_content_settings.javascript"] = 2
    options.add_experimental_option("prefs", preferences)
    # Without a path, selenium would ask the network for a driver.
    driver = Chromium(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def _log(driver: webdriver.Chrome, name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = driver.get_log(name)  # type: ignore[no-untyped-call]
    return entries


def complaints(driver: webdriver.Chrome) -> list[str]:
    """Return warnings and errors of the console since the last call."""
    return [entry["message"] for entry in _log(driver, "browser") if entry["level"] != "INFO"]


def requests(driver: webdriver.Chrome) -> list[str]:
    """Return the addresses requested since the last call, without those of the browser itself."""
    messages = (json.loads(entry["message"])["message"] for entry in _log(driver, "performance"))
    sent = [m for m in messages if m["method"] == "Network.requestWillBeSent"]
    addresses = [m["params"]["request"]["url"] for m in sent]
    return [address for address in addresses if not address.startswith(("data:", "chrome:"))]


def resize(driver: webdriver.Chrome, width: int, height: int = 900) -> None:
    """Set the size of the page; a window cannot be as narrow as a phone."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


# ---------------------------------------------------------------------------- Firefox


class Firefox:
    """A Firefox controlled by WebDriver BiDi, which needs no driver program."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket = socket
        self._sent = 0
        self.complaints: list[str] = []
        """Warnings and errors of the page since it was opened."""
        self._ask("session.new", capabilities={})
        self._ask("session.subscribe", events=["log.entryAdded"])
        self._context = self._ask("browsingContext.getTree")["contexts"][0]["context"]

    def open(self, address: str) -> None:
        """Open a page and wait until it has loaded."""
        self._ask("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def run(self, script: str) -> str:
        """Run a script and return the text that it ends with."""
        answer = self._ask(
            "script.evaluate", expression=script, target={"context": self._context},
            awaitPromise=True,
        )  # fmt: skip
        assert answer["type"] == "success", answer
        return str(answer["result"]["value"])

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        self._socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("method") == "log.entryAdded" and message["params"]["level"] != "info":
                self.complaints.append(message["params"]["text"])
            if message.get("id") == self._sent:
                assert message["type"] == "success", message
                return dict(message["result"])


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """Start a headless Firefox with a new profile."""
    command = ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile)]
    process = subprocess.Popen(
        [*command, "--remote-debugging-port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        address = next(line for line in process.stderr if "WebDriver BiDi listening on" in line)
        socket = websocket.create_connection(
            f"{address.split()[-1]}/session", timeout=60, suppress_origin=True
        )
        yield Firefox(socket)
    finally:
        process.terminate()
        process.wait(20)
