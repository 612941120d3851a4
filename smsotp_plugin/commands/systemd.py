"""What is common to the systemd units that commands print."""

from pathlib import Path


def quote_path(path: Path) -> str:
    """Write a path so that systemd takes it as one argument, see systemd.service(5) and systemd.unit(5)."""
    text = (
        str(path)
        .replace("\\", "\\\\")
        .replace("\n", "\\n")
        .replace('"', '\\"')
        .replace("%", "%%")
        .replace("$", "$$")
    )
    return text if text.isascii() and not set(text) & set(" \t'\\;") else f'"{text}"'
