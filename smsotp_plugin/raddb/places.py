"""
Opening files for root in directories that belong to somebody else.

A raddb often belongs to the server's user, who must not be able to become root by changing it. So no path is looked up a
second time: directories are opened one inside the other, no step goes through a symbolic link, and owner and mode are
changed by descriptor.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from smsotp_plugin.errors import ConfigError, SmsOtpError
from smsotp_plugin.plain_file import LARGEST_FILE, read_descriptor

#: A pipe or a device in the place of a file must not keep us waiting.
_FILE_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_DIRECTORY_FLAGS = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Only to go on from a directory, which needs no right to list it.
_STEP_FLAGS = os.O_PATH | _DIRECTORY_FLAGS
#: The operating system's errors if there is a link, a socket or a device, or a file in the place of a directory.
_OTHER_KIND = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.ENODEV)
_MOST_LINKS = 40


class Meddled(SmsOtpError):
    """Something has changed since it was looked at, or is not what it should be; nothing was done to it."""


class Untrusted(SmsOtpError):
    """On the way to a file there is a directory whose content somebody other than root can change."""


@dataclass(frozen=True, slots=True)
class Place:
    """
    A directory, identified by more than its name.

    Attributes:
        path: As it was given.
        device: Number of the device that it is on.
        inode: Its number on that device.
    """

    path: Path
    device: int
    inode: int

    @classmethod
    def at(cls, path: Path) -> "Place":
        """
        Return the directory that a path leads to now.

        Raises:
            OSError: There is none.
        """
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    def inside(self, path: Path) -> Path:
        """
        Return where a path leads, which has to be inside this directory.

        Args:
            path: Below `path`; it and its parents may be symbolic links.

        Raises:
            ConfigError: It leads elsewhere.
        """
        top, real = os.path.realpath(self.path), Path(os.path.realpath(path))
        if not real.is_relative_to(top):
            raise ConfigError(
                [
                    f"{path} is a link that leads out of {self.path}, to {real}: nothing is done through it; move it away"
                ]
            )
        return self.path / real.relative_to(top)

    @contextmanager
    def open_itself(self) -> Iterator[int]:
        """
        Open this directory.

        Raises:
            Meddled: Its path now leads to another directory.
        """
        with ExitStack() as opened:
            descriptor = _open(opened, self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            found = os.fstat(descriptor)
            if (found.st_dev, found.st_ino) != (self.device, self.inode):
                raise Meddled(f"{self.path} has been replaced while this was running: run it again")
            yield descriptor

    @contextmanager
    def open_folder_of(self, path: Path) -> Iterator[int]:
        """
        Open the directory that holds a path, without following any link below this one.

        Args:
            path: Below `path`.

        Raises:
            Meddled: This directory has been replaced, or something on the way is not a directory.
        """
        with ExitStack() as opened:
            descriptor = opened.enter_context(self.open_itself())
            for name in path.relative_to(self.path).parent.parts:
                descriptor = _open(opened, name, _STEP_FLAGS, descriptor, shown=path)
            yield descriptor

    def read(self, path: Path) -> str | None:
        """
        Return what a file holds, or None if there is no file.

        Raises:
            ConfigError: It is not a regular file, or cannot be read.
        """
        try:
            with self.open_folder_of(path) as folder, open_file(folder, path) as descriptor:
                return read_text_of(descriptor)
        except FileNotFoundError:
            return None
        except Meddled as exc:
            raise ConfigError([str(exc)]) from exc
        except OSError as exc:
            raise ConfigError([f"{path} cannot be read: {exc.strerror}"]) from exc


@contextmanager
def open_file(folder: int, path: Path) -> Iterator[int]:
    """
    Open a plain file for reading, by its name in an open directory.

    Raises:
        FileNotFoundError: There is none.
        Meddled: It is a link, a directory, a device or a pipe.
    """
    with ExitStack() as opened:
        descriptor = _open(opened, path.name, os.O_RDONLY | _FILE_FLAGS, folder, shown=path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Meddled(f"{path} is not a regular file: move it away")
        yield descriptor


@contextmanager
def open_directory(folder: int, path: Path) -> Iterator[int]:
    """
    Open a directory by its name in an open one.

    Raises:
        Meddled: It is a link, or not a directory.
    """
    with ExitStack() as opened:
        yield _open(opened, path.name, os.O_RDONLY | _DIRECTORY_FLAGS, folder, shown=path)


@contextmanager
def create_file(folder: int, name: str) -> Iterator[int]:
    """Make a file that only we can read or write."""
    with ExitStack() as opened:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        yield _open(opened, name, flags, folder)


def read_text_of(descriptor: int) -> str:
    """Return the content of an open file; bytes that are not UTF-8 become lone surrogates."""
    return read_descriptor(descriptor, LARGEST_FILE).decode("utf-8", errors="surrogateescape")


@contextmanager
def open_trusted_folder(path: Path) -> Iterator[tuple[int, Path]]:
    """
    Open the directory that holds a path, if only root (or we) can change the way to it.

    Links are followed: nobody else can have made them.

    Args:
        path: Absolute.

    Yields:
        The directory's descriptor, and the path without links.

    Raises:
        Untrusted: Others can change what the path leads to.
        OSError: A directory on the way is missing, or links go round in a circle.
    """
    with ExitStack() as opened:
        waiting = [*reversed(path.parts[1:])]
        descriptor, here, links = _open(opened, "/", _STEP_FLAGS), Path("/"), 0
        while waiting:
            name = waiting.pop()
            _judge(descriptor, here, name)
            found = _find(name, descriptor)
            if found and stat.S_ISLNK(found.st_mode):
                links += 1
                target = PurePath(os.readlink(name, dir_fd=descriptor))
                if links > _MOST_LINKS:
                    raise Untrusted(f"{path}: its links go round in a circle")
                if target.is_absolute():
                    descriptor, here = _open(opened, "/", _STEP_FLAGS), Path("/")
                waiting += reversed(target.parts[1:] if target.is_absolute() else target.parts)
            elif waiting or name == "..":
                descriptor = _open(opened, name, _STEP_FLAGS, descriptor, shown=path)
                here = here.parent if name == ".." else here / name
            else:
                yield descriptor, here / name
                return
        raise Untrusted(f"{path} is not a file")


def explain_distrust(path: Path) -> str:
    """Return why root should not change the owner or mode of a path unasked; empty if it may."""
    try:
        with open_trusted_folder(path):
            return ""
    except Untrusted as exc:
        return str(exc)
    except OSError as exc:
        return f"{path}: {exc.strerror}"


def _judge(descriptor: int, directory: Path, name: str) -> None:
    """Refuse a directory in which others can replace entries."""
    found = os.fstat(descriptor)
    ours = {0, os.geteuid()}
    entry = _find(name, descriptor)
    shared = found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid != 0)
    kept = found.st_mode & stat.S_ISVTX and (entry is None or entry.st_uid in ours)
    if found.st_uid not in ours or (shared and not kept):
        raise Untrusted(f"somebody other than root can change what is in {directory}")


def _find(name: str, descriptor: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _open(
    opened: ExitStack, name: str | Path, flags: int, folder: int | None = None, *, shown: Path | None = None
) -> int:
    try:
        descriptor = os.open(name, flags, 0o600, dir_fd=folder)
    except OSError as exc:
        if shown is None or exc.errno not in _OTHER_KIND:
            raise
        where = shown if shown.name == name else f"{name} in {shown}"
        raise Meddled(f"{where} is a link, or not a plain file or directory: move it away") from exc
    opened.callback(os.close, descriptor)
    return descriptor
