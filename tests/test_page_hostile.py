"""A run in which every text is hostile: no name, error, property or setting is executed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from browser import chromium, complaints, requests
from conftest import ovreport
from selenium.webdriver.common.by import By

from ovreport.run import Graph

DATA = Path(__file__).with_name("data") / "bottlenecks.jsonl"
CORPUS = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\"><style>*{display:none}</style>",
    "'\"><b style=color:red onload=x>]]>--> {{ 7*7 }} {% raw %} $a^b$ \\n",
    "</table></style></title></svg></textarea><svg onload=document.title='owned'>",
    "\u202eright to left\u2066 \u0007\u001b[31m \U0001f600 模型 &lt;b&gt; &#0; javascript:1",
    "' onmouseover='document.title=1' x='` --><iframe srcdoc=<script>1</script>>",
    "nothing\0 and the ends\r of lines\r\n \x85\u2028 \ufeff\ufffe",
)
# Texts that must stay unchanged for the run to be valid.
_KEPT = {
    "kind", "hint", "streams", "stage", "status", "api", "stopped", "shape", "created",
    "provenance", "runtime_graph", "model_graph", "sha256", "latencies_ns", "times_ns", "precision",
    "device", "interleaved_with", "made", "execOrder", "runtimePrecision", "superseded",
}  # fmt: skip


def poisoned(value: Any, text: str, key: str = "") -> Any:
    """Return the value with a hostile text before every text that a stranger could choose."""
    if key in _KEPT:
        return value
    if isinstance(value, str):
        # Commas join names in originalLayersNames; each name must stay recognisable.
        return ",".join(f"{text} {part}" for part in value.split(",")) if value else value
    if isinstance(value, list):
        return [poisoned(item, text, key) for item in value]
    if isinstance(value, dict):
        return {name: poisoned(item, text, name) for name, item in value.items()}
    return value


@pytest.fixture(params=range(len(CORPUS)))
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the report of the recorded run with hostile texts and a failed cell."""
    text = CORPUS[request.param].replace(",", "")
    lines, moved = [], {}
    for line in DATA.read_text("utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] == "header":
            header = record["header"]
            config = {"model": header["config"]["model"], "report": {"title": "t", "notes": "n"}}
            header.update(poisoned({**header, "config": config}, text))
            unmeasured = {**header["plan"][0], "batch": 99}
            header["plan"].append(unmeasured)
        elif record["kind"] == "graph":
            old = Graph.model_validate(record["graph"]).id
            kind = record["graph"]["kind"]
            record["graph"] = {**poisoned(record["graph"], text), "kind": kind}
            moved[old] = Graph.model_validate(record["graph"]).id
        else:
            result = record["result"]
            record["result"] = result = poisoned(result, text)
            for name in ("runtime_graph", "model_graph"):
                result[name] = moved.get(result[name], result[name])
        lines.append(json.dumps(record))
    failure = {"stage": "compile", "reason": text, "detail": text}
    result = {"cell": unmeasured, "failure": failure}
    lines.append(json.dumps({"kind": "cell", "result": result}))
    run_file, report = tmp_path / "run.jsonl", tmp_path / "report.html"
    run_file.write_text("\n".join(lines) + "\n", "utf-8")
    cli_result = ovreport("render", run_file, "-o", report)
    assert cli_result.exit_code == 0, cli_result.output
    return report


@pytest.mark.browser
def test_nothing_in_a_run_executes_in_the_page(page: Path, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as chrome:
        chrome.get(page.as_uri())
        assert complaints(chrome) == []
        assert requests(chrome) == [page.as_uri()]
        assert chrome.title not in ("owned", "1")
        assert chrome.execute_script(
            "return [...document.querySelectorAll('*')].filter(e => "
            "[...e.attributes].some(a => a.name.startsWith('on') || a.name === 'style')).length"
        ) == 0  # fmt: skip
        counts = {
            name: len(chrome.find_elements(By.CSS_SELECTOR, name))
            for name in ("style", "script:not([type])", "main img", "iframe", ".crash", "b[style]")
        }
        assert counts == {
            "style": 1, "script:not([type])": 1, "main img": 0, "iframe": 0, ".crash": 0,
            "b[style]": 0,
        }  # fmt: skip
        assert chrome.find_element(By.CSS_SELECTOR, ".incomplete").is_displayed()
        beyond = "const page = document.documentElement; return page.scrollWidth - page.clientWidth"
        assert chrome.execute_script(beyond) == 0
