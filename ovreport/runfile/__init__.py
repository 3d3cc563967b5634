"""The run file: JSON Lines, append-only, and the same content embedded in a report.

Line by line::

    {"kind": "header", "format": 1, "header": {…}}     what is known before the first cell
    {"kind": "graph", "graph": {…}}                    one for each different graph
    {"kind": "partial_launches", "partial_launches": {…}}   a launch of cells that need more
    {"kind": "cell", "result": {…}}                    one for each finished cell
    {"kind": "search", "step": {…}}                    a step of a search, and its reason
    {"kind": "answers", "answers": {…}}                one for each pair of compared versions
    {"kind": "recording", "recording": {…}}            outputs of a version, for other runs
    {"kind": "roof", "roof": {…}}                      what a device can reach

A cell counts once its line is on the disk; an incomplete last line is ignored. A second header is
that of a resumed run, whose plan and models replace the first ones, or that of a concatenated file,
which adds to the first. If a cell has several results, the last one counts.

Both forms are read as untrusted input: their size is bounded, and they are never executed. All
checks are here, so that other code can rely on them. A line is refused, with its number, if

* a value has the wrong type, or is negative, infinite or too large (:mod:`ovreport.run.record`);
* a header plans, or a search tries, a version that the header does not describe;
* a header pairs cells that it does not plan, or cells of two models;
* a node of a graph reads from a later node, or from an output that does not exist;
* a result names a graph that no earlier line has;
* a comparison does not have two runs, or a version of a trend names a run that does not exist.

Results of cells that are neither planned nor searched are dropped, and so are outputs and
comparisons of outputs of cells without a result, steps of a search without a planned start, and
roofs of environments that no header describes. Ids of cells that took turns with a cell, and names
of runtimes, devices and layers, may refer to nothing: code that looks them up must allow for it.
"""

from ovreport.runfile.embedding import pack
from ovreport.runfile.lines import lines_of
from ovreport.runfile.reading import is_empty_run, is_report, read_run
from ovreport.runfile.writing import RunFile

__all__ = ["RunFile", "is_empty_run", "is_report", "lines_of", "pack", "read_run"]
