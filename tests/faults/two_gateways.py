"""A whole log-in with two gateways: ``first`` is asked before ``mock``, unless the settings say otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smsotp_mocks.gateways.http.gateway import HttpGateway
from tests.e2e.system import World

_FIRST = """
[gateways.first]
provider = "http"
URL = "{url}/sms"
HTTP_METHOD = "POST"
RETURN_SUCCESS = "OK"
TIMEOUT = {timeout}
[gateways.first.options]
to = "{{phone}}"
text = "{{otp}}"
"""


def first_gateway(url: str, timeout: float) -> str:
    """Return the tables of the gateway ``first``."""
    return _FIRST.format(url=url, timeout=timeout)


@contextmanager
def two_gateways(
    directory: Path, sections: str = "", timeout: float = 100, **options: Any
) -> Iterator[tuple[World, HttpGateway]]:
    """
    Run a world whose gateways share one inbox; the world's own one is the second.

    Args:
        directory: Of the world.
        sections: Further tables of the configuration.
        timeout: TIMEOUT of the first, in seconds. Short only where it has to pass: a busy machine makes a good gateway slow.
        options: Of `World`.
    """
    with HttpGateway(name="first") as first:
        world = World(
            directory,
            sections=sections + first_gateway(first.url, timeout),
            gateway="TIMEOUT = 100",
            **options,
        )
        world.gateway.inbox = first.inbox
        with world:
            yield world, first
