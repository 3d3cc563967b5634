"""All rules, in the order in which the report lists them."""

from ..case import AdviceRule
from . import matrix, movement, precision, shapes, startup

RULES: tuple[AdviceRule, ...] = (
    *precision.RULES, *movement.RULES, *shapes.RULES, *matrix.RULES, *startup.RULES,
)  # fmt: skip
