"""Adapt matplotlib's SVG to the page: small, themed, and safe under a strict CSP.

matplotlib writes colours as ``style="…"``, which a server's Content-Security-Policy may drop (as
Jenkins does for artifacts). They become presentation attributes, which always apply.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ovreport.text.xml import legal_xml

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"

# Attributes that repeat SVG's initial values or have no effect without a style sheet.
_DEFAULTS = {
    ("fill-rule", "nonzero"),
    ("stroke-linecap", "butt"),
    ("stroke-miterlimit", "4"),
    ("stroke-dasharray", "none"),
    ("stroke-dashoffset", "0"),
    ("opacity", "1"),
}
_DROPPED = {"font", "font-family", "font-style", "font-variant", "font-weight", "font-stretch"}
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
# Artists keep a gid with this prefix, so that the page's script finds them.
MARKED = "mark-"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def compact(source: str, prefix: str, title: str, description: str) -> str:
    """Return a figure as an inline SVG element.

    Args:
        source: what matplotlib wrote.
        prefix: makes ids unique in the page.
        title: short text alternative.
        description: what the picture shows, in words.
    """
    root = ElementTree.fromstring(legal_xml(source))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}style") or _invisible(child):
                parent.remove(child)
    used = set(_REFERENCE.findall(source)) | set(re.findall(r'xlink:href="#([^"]+)"', source))
    for element in root.iter():
        _restyle(element)
        _rename(element, prefix, used)
        _round(element)
    _unwrap(root)
    width, height = (float(root.attrib.pop(key).removesuffix("pt")) for key in ("width", "height"))
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("width", f"{width * 4 / 3:.0f}")  # points to CSS pixels
    links = root.findall(f".//{{{_SVG}}}a")
    for link in links:
        link.attrib.pop("target", None)
        link.set("aria-label", "the row of this point")
    # Screen readers skip links within a role of img.
    root.set("role", "group" if links else "img")
    root.set("aria-label", legal_xml(title))
    root.attrib.pop("version", None)
    described = ElementTree.Element(f"{{{_SVG}}}desc")
    described.text = legal_xml(description)
    root.insert(0, described)
    text = ElementTree.tostring(_without_namespaces(root), encoding="unicode")
    return re.sub(r">\s+<", "><", text)


def _invisible(element: ElementTree.Element) -> bool:
    """Return whether this is the background of a figure or axes: neither filled nor stroked."""
    style = element.get("style", "").replace(" ", "")
    return element.tag == f"{{{_SVG}}}path" and "fill:none" in style and "stroke:" not in style


def _restyle(element: ElementTree.Element) -> None:
    style = element.attrib.pop("style", "")
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":
            size = re.search(r"([\d.]+)px", value)
            if size:
                element.set("font-size", size[1])
        elif key and key not in _DROPPED and (key, value) not in _DEFAULTS:
            element.set(key, value)


def _rename(element: ElementTree.Element, prefix: str, used: set[str]) -> None:
    """Prefix ids that are referred to, so that they are unique in the page; remove the others.

    Links lead out of the picture and are not changed.
    """
    element_id = element.attrib.pop("id", None)
    if element_id in used or (element_id or "").startswith(MARKED):
        element.set("id", f"{prefix}-{element_id}")
    for key, value in element.attrib.items():
        if "url(#" in value:
            element.set(key, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))
    target = element.attrib.pop(f"{{{_XLINK}}}href", None)
    if target is not None:
        inside = target.startswith("#") and element.tag != f"{{{_SVG}}}a"
        element.set("href", f"#{prefix}-{target[1:]}" if inside else target)


def _round(element: ElementTree.Element) -> None:
    """Round to a tenth of a point, which is finer than a pixel."""
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]
    for key in ("d", "x", "y", "width", "height", "transform", "points", "font-size"):
        if key in element.attrib:
            rounded = _NUMBER.sub(
                lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), element.attrib[key]
            )
            element.set(key, re.sub(r"\s*\n\s*", " ", rounded).strip())


def _unwrap(parent: ElementTree.Element) -> None:
    """Replace groups without attributes by their children; remove empty ones."""
    children: list[ElementTree.Element] = []
    for child in parent:
        _unwrap(child)
        if child.tag == f"{{{_SVG}}}g" and not child.attrib:
            children.extend(child)
        elif len(child) or child.tag not in (f"{{{_SVG}}}g", f"{{{_SVG}}}defs"):
            children.append(child)
    parent[:] = children


def _without_namespaces(root: ElementTree.Element) -> ElementTree.Element:
    """Remove namespace prefixes, which HTML's parser does not accept in SVG."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root
