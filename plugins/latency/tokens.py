"""The figures of decoders: times of the first and of further tokens, and tokens per second."""

from __future__ import annotations

from ovreport.computed.phases import SequenceFigures, sequence_figures
from ovreport.run import Run
from ovreport.section import Block, Column, Row, Table, Text
from ovreport.text.labels import label
from ovreport.text.values import Value

_MEANING = (
    "A request is a sequence of tokens: the state is reset, one inference reads the prompt and "
    "gives the first token (prefill), and each further inference gives one more (decode). Requests "
    "and latencies elsewhere in this report are whole sequences. The layers are not timed: prefill "
    "and decode run the same layers with other sizes."
)
_COLUMNS = (
    Column("cell", "Cell"),
    Column("prompt", "Prompt", "count", help="Tokens that are read."),
    Column("new_tokens", "New tokens", "count", help="Tokens that are produced."),
    Column("first_token", "First token", "duration", help="Median time to the first token."),
    Column("token", "Token, median", "duration", help="Time of each further token."),
    Column("p95", "p95", "duration"),
    Column("p99", "p99", "duration"),
    Column("prefill", "Prefill", "tokens", help="Tokens of the prompt read in a second."),
    Column("decode", "Decode", "tokens", help="Tokens produced in a second, after the first."),
    Column("request", "Request", "duration", help="Median time of a whole sequence."),
)


def blocks(run: Run) -> list[Block]:
    """Return the table of all decoders of the run; nothing if there are none."""
    cells = [listed.cell for listed in run.results]
    rows = [
        Row({"cell": label(result.cell, cells, version=True), **_values(known)})
        for result in run.done
        if (known := sequence_figures(result)) is not None
    ]
    if not rows:
        return []
    table = Table("tokens", "Tokens", _COLUMNS, rows)
    return [Text("tokens-meaning", _MEANING), table]


def _values(known: SequenceFigures) -> dict[str, Value]:
    return {
        "prompt": known.sequence.prompt,
        "new_tokens": known.sequence.new_tokens,
        "first_token": known.first_token.median,
        "token": known.token.median,
        "p95": known.token.p95,
        "p99": known.token.p99,
        "prefill": known.prefill,
        "decode": known.decode,
        "request": known.request.median,
    }
