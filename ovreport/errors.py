"""The error that a user sees after wrong input."""

from __future__ import annotations


class UserError(Exception):
    """Wrong input, which ends the program with exit code 2 and one sentence, without a traceback.

    Args:
        found: what was found and where (the file, the key, the value).
        remedy: what was expected or what to do, as a separate sentence.
        detail: everything else, such as a traceback; shown only with ``-v``.
    """

    def __init__(self, found: str, remedy: str = "", *, detail: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.found.rstrip('.')}. {self.remedy}".rstrip() if self.remedy else self.found
