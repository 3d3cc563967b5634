"""The run file: JSON Lines, append-only, and the same content embedded in a report.

Line by line::

    {"kind": "header", "format": 1, "header": {…}}     what was known before the first cell
    {"kind": "graph", "graph": {…}}                    once for each different graph
    {"kind": "begun", "begun": {…}}                    a launch of cells that need more of them
    {"kind": "cell", "result": {…}}                    once for each finished cell
    {"kind": "search", "step": {…}}                    what a search looks at, and why
    {"kind": "answers", "answers": {…}}                once for each two versions fed the same
    {"kind": "recording", "recording": {…}}            what a version answers, for other runs
    {"kind": "roof", "roof": {…}}                      what a device can reach

A cell counts once its line is on the disk; a torn last line is dropped on reading. A second header
is that of a resumed run, whose plan and models replace the first's, or files were concatenated and
it adds to them. Of two results of a cell the later counts. Both forms are read as hostile input:
validated, bounded in size, and never executed.
"""

from ovreport.runfile.embedding import pack
from ovreport.runfile.lines import lines_of
from ovreport.runfile.reading import is_report, is_unbegun, read_run
from ovreport.runfile.writing import RunFile

__all__ = ["RunFile", "is_report", "is_unbegun", "lines_of", "pack", "read_run"]
