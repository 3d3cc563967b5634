"""The outcome of limits as JUnit XML, which CI servers show as tests.

JUnit XML has no standard. The output is valid by the schema of Ant's reports, which many tools
check (https://github.com/windyroad/JUnit-Schema), and by the one that Jenkins reads
(https://github.com/jenkinsci/xunit-plugin, junit-10.xsd).
"""

from __future__ import annotations

from xml.etree import ElementTree

from ovreport.gate.checks import GateResult
from ovreport.run import Header
from ovreport.text.xml import legal_xml


def junit(gate: GateResult, header: Header, *, inconclusive_fails: bool) -> str:
    """Return a test case for each rule and cell: failed if broken, skipped if inconclusive.

    Kept limits are listed on the suite's standard output.

    Args:
        inconclusive_fails: count inconclusive limits as failures.
    """
    failures = gate.count("broken") + inconclusive_fails * gate.count("inconclusive")
    skipped = gate.count("inconclusive") * (not inconclusive_fails)
    environment = header.environment
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        {
            "name": "ovreport",
            "package": "ovreport",
            "id": "0",
            "timestamp": header.created[:19],
            "hostname": legal_xml(environment.host) or "localhost",
            "tests": str(len(gate.outcomes)),
            "failures": str(failures),
            "errors": "0",
            "skipped": str(skipped),
            "time": "0",
        },
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (
        ("ovreport", header.ovreport),
        ("openvino", environment.openvino),
        ("cpu", environment.cpu),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=legal_xml(value))
    kept = []
    for outcome in gate.outcomes:
        name = f"{outcome.rule} [{outcome.cell}]"
        case = ElementTree.SubElement(
            suite, "testcase", classname=legal_xml(outcome.model), name=legal_xml(name), time="0"
        )
        text = legal_xml(outcome.text)
        if outcome.status == "broken" or (outcome.status == "inconclusive" and inconclusive_fails):
            failure = ElementTree.SubElement(case, "failure", message=text, type=outcome.status)
            failure.text = text
        elif outcome.status == "inconclusive":
            ElementTree.SubElement(case, "skipped", message=text)
        else:
            kept.append(legal_xml(f"{outcome.model}: {name}: {outcome.text}."))
    ElementTree.SubElement(suite, "system-out").text = "\n".join(kept)
    warnings = [legal_xml(f"Warning: {warning}.") for warning in gate.warnings]
    ElementTree.SubElement(suite, "system-err").text = "\n".join(warnings)
    ElementTree.indent(root)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        + ElementTree.tostring(root, encoding="unicode")
        + "\n"
    )
