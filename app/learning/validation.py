"""Lay what somebody asks for over a configuration, and refuse by name what cannot be run.

A configuration is a frozen dataclass whose fields say by their types what they take: `Annotated[int, Between(1, 256)]`,
`bool`, `Literal["each", "set"]`, or one of these or None. What concerns several fields is checked by its
`__post_init__`, which raises InvalidConfig with the field's own name. Without torch: the web asks, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints


class InvalidConfig(ValueError):
    """A training configuration that cannot be run; `field` is the dotted name of what is wrong."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(message)
        # Told to whoever asked: keys of JSON may hold half a character, which no answer can.
        self.field = field_name.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True)
class Between:
    low: float
    high: float


Config = TypeVar("Config")


def overlaid(name: str, config: Config, values: Mapping[str, Any]) -> Config:
    """`config` with `values` in place of its own; `name` says where it stands, such as `config.rl`.

    Raises InvalidConfig for an unknown key, a wrong type, a number out of range, and fields that do not go together.
    """
    hints = get_type_hints(type(config), include_extras=True)
    for key, value in values.items():
        if key not in hints:
            raise InvalidConfig(f"{name}.{key}", f"unknown; there are {', '.join(hints)}")
        if problem := _problem(hints[key], value):
            raise InvalidConfig(f"{name}.{key}", problem)
    try:
        return replace(config, **values)  # type: ignore[type-var]
    except InvalidConfig as error:
        raise InvalidConfig(f"{name}.{error.field}", str(error)) from error


def _problem(hint: Any, value: object) -> str | None:
    """What is wrong with a value for a field of this type, in words; None if nothing is."""
    origin, options = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        (kind,) = (option for option in options if option is not NoneType)
        problem = None if value is None else _problem(kind, value)
        return problem and f"{problem}, or null"
    if origin is Literal:
        return None if value in options else f"must be {' or '.join(map(repr, options))}"
    kind, between = options if origin is Annotated else (hint, None)
    if kind is bool:
        return None if isinstance(value, bool) else "must be true or false"
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        return f"must be {'a whole number' if kind is int else 'a number'}"
    if between and not between.low <= value <= between.high:
        return f"must be between {between.low:g} and {between.high:g}"
    return None
