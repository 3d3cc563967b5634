"""All rules, in the order in which the report lists them."""

from ..case import Rule
from . import matrix, movement, precision, shapes, startup

RULES: tuple[Rule, ...] = (
    *precision.RULES, *movement.RULES, *shapes.RULES, *matrix.RULES, *startup.RULES,
)  # fmt: skip
