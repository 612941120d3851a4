"""Small disks of a test's own, for what a disk can do wrong."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(place: Path, *options: str) -> Iterator[Path]:
    """Mount a file system at a directory; skips the test where that is not allowed."""
    place.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, place], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip("only root may mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@contextlib.contextmanager
def ext4(place: Path) -> Iterator[Path]:
    """Mount a disk with a journal, as the machine's own; it is a file beside the directory."""
    image = place.with_suffix(".image")
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    with mounted(place, "-o", "loop", str(image)):
        yield place


@contextlib.contextmanager
def frozen(disk: Path) -> Iterator[None]:
    """Let nothing be written on a disk: whoever tries hangs until this is over."""
    subprocess.run(["fsfreeze", "--freeze", disk], check=True)
    try:
        yield
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)


def make_read_only(disk: Path) -> None:
    """Do what the system does with a disk whose journal cannot be written any more."""
    subprocess.run(["mount", "-o", "remount,abort", disk], check=True)


def fill(disk: Path) -> Path:
    """Write until nothing more fits; returns the file that fills it."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    assert os.statvfs(disk).f_bavail == 0
    return filler
