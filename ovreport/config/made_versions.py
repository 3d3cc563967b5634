"""Versions that are made of others: the checks of their keys, and the keys that they inherit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovreport.config.schema import Config, Version
from ovreport.errors import UserError

# The parent's value holds where a version that is made of it has none.
_INHERITED = ("extensions", "shape", "layout", "input", "range", "labels")
_RECIPE = (
    "optimise", "calibration", "subset", "preset", "model_type", "ignored_scope", "group_size",
    "ratio",
)  # fmt: skip
_KEYS_OF: dict[str, tuple[str, ...]] = {
    "f16": (),
    "int8": ("calibration", "subset", "preset", "model_type", "ignored_scope"),
    "int8-weights": ("ignored_scope",),
    "int4-weights": ("ignored_scope", "group_size", "ratio"),
}


def parents(config: Config, version: Version) -> tuple[Version, ...]:
    """Return the version that a version is made of, then that one's, down to one with a file."""
    chain: list[Version] = []
    while version.from_ is not None:
        version = next(
            entry
            for entry in config.model
            if (entry.name, entry.version) == (version.name, version.from_)
        )
        chain.append(version)
    return tuple(chain)


def recipe(version: Version) -> dict[str, Any]:
    """Return the keys of a version's recipe that are given, as in the config."""
    values = version.model_dump(mode="json", include=set(_RECIPE), exclude_defaults=True)
    return {key: values[key] for key in _RECIPE if key in values}


def with_parents_keys(config: Config, name: str) -> Config:
    """Return the config with the keys that versions inherit from those that they are made of.

    Args:
        config: a config in which no version is there twice.
        name: the name that messages use.

    Raises:
        UserError: a version has neither ``path`` nor ``from``, or has keys that do not fit
            together, or there is no version that it could be made of.
    """
    for place, version in enumerate(config.model):
        _check_keys(version, f"{name}: `model[{place}]")
    _check_parents(config, name)
    return config.model_copy(
        update={"model": tuple(_with_parents_keys(config, version) for version in config.model)}
    )


def _with_parents_keys(config: Config, version: Version) -> Version:
    inherited: dict[str, Any] = {}
    for parent in reversed(parents(config, version)):
        inherited |= _given(parent)
    return version.model_copy(update={**inherited, **_given(version)})


def _given(version: Version) -> dict[str, Any]:
    values = {key: getattr(version, key) for key in _INHERITED}
    return {key: value for key, value in values.items() if value not in (None, ())}


def _check_keys(version: Version, entry: str) -> None:
    """Check the keys of one entry; ``entry`` is how messages begin, as in ``c: `model[0]``."""
    given = recipe(version)
    if version.from_ is None:
        if given:
            raise UserError(
                f"{entry}.{next(iter(given))}` says how the version is made, and `from` is missing",
                'Name the version that it is made of, such as from = "parent".',
            )
        if version.path is None:
            raise UserError(
                f"{entry}.path` is missing",
                "Give a model file; or `from` and `optimise`, to make it of another version.",
            )
        return
    if version.path is not None:
        raise UserError(
            f"{entry}` has both `path` and `from`",
            "Keep `path` for a version that you have as a file, `from` for one to be made.",
        )
    kinds = ", ".join(_KEYS_OF)
    if version.optimise is None:
        raise UserError(f"{entry}.optimise` is missing", f"Expected one of: {kinds}.")
    allowed = _KEYS_OF[version.optimise]
    if wrong := [key for key in given if key not in ("optimise", *allowed)]:
        fitting = " or ".join(f'"{kind}"' for kind, keys in _KEYS_OF.items() if wrong[0] in keys)
        raise UserError(
            f'{entry}.{wrong[0]}` does not belong to optimise = "{version.optimise}"',
            f"It belongs to {fitting}; remove it or change `optimise`.",
        )


def _check_parents(config: Config, name: str) -> None:
    from_of = {(entry.name, entry.version): entry.from_ for entry in config.model}
    for model, version in from_of:
        chain = [version]
        while (parent := from_of[model, chain[-1]]) is not None:
            entry = f"{name}: model {model!r}, version {chain[-1]!r}"
            if (model, parent) not in from_of:
                other_versions = ", ".join(v for m, v in from_of if m == model and v != chain[-1])
                raise UserError(
                    f"{entry}: `from` names the unknown version {parent!r}",
                    f"Versions of this model: {other_versions}."
                    if other_versions
                    else "Add a [[model]] entry with this name, this version and a `path`.",
                )
            if parent in chain:
                circle = " → ".join([*chain, parent])
                raise UserError(
                    f"{name}: model {model!r}, version {version!r}: `from` leads in a circle: "
                    f"{circle}",
                    "Give one of these versions a `path`.",
                )
            chain.append(parent)


def changed_model(model: Mapping[str, Any], changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a config's only model after the options of the command line.

    Args:
        model: the entry.
        changes: its new values by key. ``optimise`` is a list of recipes: each adds a version with
            the recipe's name. Other keys of recipes are for those versions that they belong to.

    Raises:
        UserError: a key belongs to none of the recipes.
    """
    own = {key: value for key, value in changes.items() if key not in _RECIPE}
    given = {key: changes[key] for key in _RECIPE[1:] if key in changes}
    recipes = tuple(dict.fromkeys(changes.get("optimise", ())))
    for key in given:
        fitting = [kind for kind, keys in _KEYS_OF.items() if key in keys]
        if not {*fitting} & {*recipes}:
            instead = f"not for {', '.join(recipes)}" if recipes else "and --optimise is missing"
            raise UserError(
                f"--{key.replace('_', '-')} is for {' or '.join(fitting)}, {instead}",
                "Remove it." if recipes else f"Add --optimise {fitting[0]}.",
            )
    made = [
        {
            "name": model.get("name"),
            "version": kind,
            "from": model.get("version", "parent"),
            "optimise": kind,
            **{key: value for key, value in given.items() if key in _KEYS_OF[kind]},
        }
        for kind in recipes
    ]
    return [{**model, **own}, *made]
