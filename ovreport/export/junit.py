"""The outcome of limits as JUnit XML, which CI servers show as tests."""

from __future__ import annotations

from xml.etree import ElementTree

from ovreport.gate.checks import Gate
from ovreport.rendering.svg import legal_xml


def junit(gate: Gate, *, inconclusive_fails: bool) -> str:
    """One test case for each rule and cell: failed where it is broken, skipped where it is open.

    Args:
        inconclusive_fails: count what cannot be told as a failure.
    """
    failures = gate.count("broken") + inconclusive_fails * gate.count("inconclusive")
    skipped = gate.count("inconclusive") * (not inconclusive_fails)
    counts = {
        "name": "ovreport",
        "tests": str(len(gate.outcomes)),
        "failures": str(failures),
        "errors": "0",
        "skipped": str(skipped),
    }
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", counts)
    for outcome in gate.outcomes:
        names = {"classname": outcome.model, "name": f"{outcome.rule} [{outcome.cell}]"}
        case = ElementTree.SubElement(
            suite, "testcase", {key: legal_xml(value) for key, value in names.items()}
        )
        text = legal_xml(outcome.text)
        if outcome.status == "broken" or (outcome.status == "inconclusive" and inconclusive_fails):
            failure = ElementTree.SubElement(case, "failure", message=text, type=outcome.status)
            failure.text = text
        elif outcome.status == "inconclusive":
            ElementTree.SubElement(case, "skipped", message=text)
        else:
            ElementTree.SubElement(case, "system-out").text = text
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )
