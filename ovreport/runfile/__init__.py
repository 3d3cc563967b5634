"""The run file: JSON Lines, append-only, and the same content embedded in a report.

Line by line::

    {"kind": "header", "format": 1, "header": {…}}     what was known before the first cell
    {"kind": "graph", "graph": {…}}                    once for each different graph
    {"kind": "partial_launches", "partial_launches": {…}}   a launch of cells that need more
    {"kind": "cell", "result": {…}}                    once for each finished cell
    {"kind": "search", "step": {…}}                    what a search looks at, and why
    {"kind": "answers", "answers": {…}}                once for each two versions fed the same
    {"kind": "recording", "recording": {…}}            what a version answers, for other runs
    {"kind": "roof", "roof": {…}}                      what a device can reach

A cell counts once its line is on the disk; a torn last line is dropped on reading. A second header
is that of a resumed run, whose plan and models replace the first's, or files were concatenated and
it adds to them. Of two results of a cell the later counts.

Both forms are read as hostile input: bounded in size, never executed, and checked once, here, so
that nothing behind it has to. A line is refused, with its number, where

* a value is of another type, negative, infinite or beyond what exists (:mod:`ovreport.run.record`);
* a header plans, or a search comes to, a version that it does not describe;
* a header pairs cells that it does not plan, or of two models;
* a node of a graph reads from one that does not stand above it, or from an output it does not have;
* a result names a graph that does not stand above it;
* a comparison is not of two runs, or a version of a trend names a run that is not there.

Results of cells that are neither planned nor searched are dropped, and so are outputs and
comparisons of outputs of cells without a result, steps of a search that began nowhere, and roofs
of environments that no header describes. Ids of cells that took turns with a cell, and names of
runtimes, devices and layers, may name what is not there: whoever looks them up allows for that.
"""

from ovreport.runfile.embedding import pack
from ovreport.runfile.lines import lines_of
from ovreport.runfile.reading import is_report, is_unbegun, read_run
from ovreport.runfile.writing import RunFile

__all__ = ["RunFile", "is_report", "is_unbegun", "lines_of", "pack", "read_run"]
