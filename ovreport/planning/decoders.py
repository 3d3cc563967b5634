"""Recognises decoders: models that produce a sequence token by token and keep what they have read.

optimum-intel and OpenVINO GenAI write language models like this: the inputs have the fixed names
below, and the keys and values of all tokens so far are states, which grow with every inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ovreport.errors import UserError
from ovreport.planning.ports import name_of
from ovreport.planning.shapes import dimensions_of
from ovreport.run import Port, TokenSequence

InputRole: TypeAlias = Literal["tokens", "mask", "positions", "beams"]

_ROLES: dict[str, InputRole] = {
    "input_ids": "tokens",
    "inputs_embeds": "tokens",
    "attention_mask": "mask",
    "position_ids": "positions",
    "beam_idx": "beams",
}
# The numbers of dimensions: token ids are [batch, tokens], embeddings [batch, tokens, width].
_RANKS: dict[str, int] = {
    "input_ids": 2,
    "inputs_embeds": 3,
    "attention_mask": 2,
    "position_ids": 2,
    "beam_idx": 1,
}
# Usual lengths of a question and of a short answer.
PROMPT, NEW_TOKENS = 128, 64


@dataclass(frozen=True)
class Decoder:
    """The inputs of a decoder."""

    inputs: tuple[Port, ...]
    roles: tuple[InputRole, ...]
    """What each input means."""

    @property
    def open_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shapes in the model's file, with -1 for open dimensions: lengths change."""
        return tuple(
            tuple(-1 if size is None else size for size in dimensions_of(port.shape) or ())
            for port in self.inputs
        )

    def prompt_shapes(self, prompt: int, batch: int | None) -> tuple[tuple[int, ...], ...]:
        """Return the shapes of the inputs while the prompt is read.

        Raises:
            UserError: the model fixes another batch.
        """
        return tuple(self._prompt_shape(index, prompt, batch) for index in range(len(self.inputs)))

    def _prompt_shape(self, index: int, prompt: int, batch: int | None) -> tuple[int, ...]:
        first, *others = self.open_shapes[index]
        if batch is not None and first not in (-1, batch):
            raise UserError(
                f"batch {batch}: input {name_of(self.inputs, index)!r} has the fixed batch {first}",
                "Leave out `batch` (--batch), or export the model with an open batch.",
            )
        size = batch or max(1, first)
        return (size, prompt, *others[1:]) if others else (size,)


def as_decoder(inputs: Sequence[Port], states: Sequence[str]) -> Decoder | None:
    """Return the decoder that a model is by its inputs and states; None if it is none.

    Args:
        inputs: inputs in the model's file.
        states: the shape of each state, such as ``[?,8,?,64]``.
    """
    names = [next((n for n in port.names if n in _ROLES), None) for port in inputs]
    known = [name for name in names if name is not None]
    roles = tuple(_ROLES[name] for name in known)
    if len(known) < len(inputs) or len({*roles}) < len(roles) or "tokens" not in roles:
        return None
    shapes = [dimensions_of(port.shape) for port in inputs]
    if not any(map(_grows, states)) or not all(
        shape is not None and len(shape) == _RANKS[name] and (len(shape) < 2 or shape[1] is None)
        for name, shape in zip(known, shapes, strict=True)
    ):
        return None
    # The width of embeddings cannot be chosen.
    if any(None in (shape or ())[2:] for shape in shapes):
        return None
    return Decoder(tuple(inputs), roles)


def _grows(state: str) -> bool:
    """Return whether a dimension other than the batch is open."""
    shape = dimensions_of(state)
    return shape is None or None in shape[1:]


def sequence_of(
    decoder: Decoder | None, prompt: int | None, new_tokens: int | None, *, stateful: bool
) -> TokenSequence | None:
    """Return the sequence that a request is; None if a request is a single inference.

    Raises:
        UserError: a sequence is requested of a model that produces none.
    """
    if decoder is not None:
        return TokenSequence(prompt=prompt or PROMPT, new_tokens=new_tokens or NEW_TOKENS)
    for key, value in (("prompt", prompt), ("new_tokens", new_tokens)):
        if value is not None:
            why = (
                "its inputs are not those of a language model" if stateful else "it keeps no state"
            )
            raise UserError(
                f"`{key}` is {value}, and the model produces no sequence of tokens: {why}",
                f"Leave out `{key}` (--{key.replace('_', '-')}), or measure a model with the "
                "inputs input_ids and attention_mask and a growing state, as optimum-intel writes.",
            )
    return None


def check_positions(sequence: TokenSequence, positions: int | None) -> None:
    """Check that a model has as many positions as the sequence is long.

    Raises:
        UserError: it has fewer.
    """
    length = sequence.prompt + sequence.new_tokens - 1
    if positions is not None and length > positions:
        raise UserError(
            f"prompt {sequence.prompt} and new_tokens {sequence.new_tokens} need {length} "
            f"positions, and the model has {positions}",
            "Set a smaller `prompt` (--prompt) or `new_tokens` (--new-tokens).",
        )
