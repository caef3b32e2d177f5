"""The decorator of a role's entry point."""

from collections.abc import Callable
from typing import ParamSpec, cast

from pyinfra.api.deploy import deploy

P = ParamSpec("P")


def role(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """pyinfra's `@deploy(name)`, with the decorated function's own signature kept for the type checker."""

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        return cast(Callable[P, None], deploy(name)(function))

    return decorate
