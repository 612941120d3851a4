"""A process of the plugin that sends what waits in Redis: ``smsotp worker``."""

from pathlib import Path

from smsotp_mocks.servers.program import Program


class Worker(Program):
    """
    Can be killed and started again while others go on.

    Args:
        directory: For its log.
        smsotp: The plugin's command.
        config_file: The plugin's configuration, with ``mode = "workers"`` in ``[queue]``.
    """

    name = "The worker"
    ready = "the worker takes messages"

    def __init__(self, directory: Path, smsotp: Path, config_file: Path) -> None:
        super().__init__(directory, "worker.log")
        self._smsotp = smsotp
        self._config_file = config_file

    def command(self) -> list[str]:
        """Return what is run."""
        return [str(self._smsotp), "worker", "--config", str(self._config_file)]
