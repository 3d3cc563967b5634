"""Checks states: what a model keeps from one inference to the next (``ReadValue``, ``Assign``).

Every slice begins with the model's initial states. With states of a fixed size every inference
costs the same. With a growing state each inference is longer than the one before, so the latency
would depend on the length of the slice: such a model is refused, unless it is a decoder, whose
requests are sequences (``sequences``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .python_api import PythonRequest

_StateShapes: TypeAlias = "dict[str, list[int]]"

_REMEDY = (
    "ovreport measures growing states of decoders only: measure the model without states, which "
    "optimum-cli exports with --disable-stateful"
)


class States:
    """The states of a request that has run once since it was made.

    Args:
        request: a request of a model that has states; its inputs are set.
    """

    def __init__(self, request: PythonRequest) -> None:
        self._request = request
        self._first = request.states()

    def check_second(self) -> None:
        """Run a second inference, and reset the states.

        Raises:
            ValueError: a state has another size after it, or it fails.
        """
        try:
            self._request.infer()
        except RuntimeError as error:
            cause = str(error).strip().rsplit("\n", 1)[-1]
            raise ValueError(
                f"the second inference fails with the states that the first one left in the model "
                f"({_shown(self._first)}); {_REMEDY}: {cause}"
            ) from error
        self.check()
        self._request.reset()

    def check(self) -> None:
        """Raise ValueError if a state has another size than after the first inference."""
        for name, size in self._request.states().items():
            before = self._first.get(name)
            if size != before:
                raise ValueError(
                    f"the model's state {name} changes its size from one inference to the next, "
                    f"{_text(before)} and then {_text(size)}; {_REMEDY}"
                )


def _shown(sizes: _StateShapes) -> str:
    """Return the first of the states: a language model has dozens, all alike."""
    return next((f"{name} {_text(size)}" for name, size in sizes.items()), "none")


def _text(size: list[int] | None) -> str:
    return str(size).replace(" ", "")
