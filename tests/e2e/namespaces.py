"""A network namespace, and cables to it that can be pulled: for what happens when two programs lose sight of each other."""

import secrets
import subprocess
from types import TracebackType
from typing import Self

_LENGTH = 4  # addresses of a cable's network


class Namespace:
    """
    Joined to this machine's own network by cables, each with an address of its own at the far end.

    Args:
        cables: How many.
    """

    def __init__(self, cables: int) -> None:
        tag = secrets.token_hex(3)
        #: For `Program`: has it run inside.
        self.run_by = ("ip", "netns", "exec", f"smsotp-{tag}")
        #: How the namespace is reached over each cable.
        self.addresses: list[str] = []
        self._name = self.run_by[-1]
        self._far_ends = [f"far{number}-{tag}" for number in range(cables)]
        # 198.18.0.0/15 is for measurements (RFC 2544), so nothing else of this machine has it.
        self._network = f"198.18.{secrets.randbelow(256)}"

    def __enter__(self) -> Self:
        _ip("netns", "add", self._name)
        try:
            self._inside("link", "set", "lo", "up")
            for number, far in enumerate(self._far_ends):
                self._lay_cable(number, far)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def pull(self, cable: int) -> None:
        """Let nothing through any more; neither side is told."""
        self._inside("link", "set", self._far_ends[cable], "down")

    def plug(self, cable: int) -> None:
        """End a `pull`."""
        self._inside("link", "set", self._far_ends[cable], "up")

    def _lay_cable(self, number: int, far: str) -> None:
        near = far.replace("far", "near")
        first = _LENGTH * number
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self._name)
        _ip("address", "add", f"{self._network}.{first + 1}/30", "dev", near)
        self.addresses.append(f"{self._network}.{first + 2}")
        self._inside("address", "add", f"{self.addresses[-1]}/30", "dev", far)
        self._inside("link", "set", far, "up")
        _ip("link", "set", near, "up")

    def _inside(self, *words: str) -> None:
        _ip("-netns", self._name, *words)

    def _remove(self) -> None:
        _ip("netns", "delete", self._name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
