"""
What an installation changes on the disk: each change can say what it is, show itself, and be made.

Each is made with root's rights in places that the server's user may be able to change: see `smsotp_plugin.raddb.places`.
"""

import difflib
import os
import secrets
import stat
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from smsotp_plugin.grammar import agree
from smsotp_plugin.raddb.account import Account, act_as
from smsotp_plugin.raddb.places import (
    Meddled,
    Place,
    Untrusted,
    create_file,
    open_directory,
    open_file,
    open_trusted_folder,
    read_text_of,
)

#: What a mode may allow: bits that lend somebody's rights (setuid, setgid) are not passed on.
_RIGHTS = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO


class Change(ABC):
    """One change; not made yet."""

    @abstractmethod
    def describe(self) -> str:
        """Return what it does, in the infinitive, for example ``write /etc/...``."""

    @abstractmethod
    def make(self) -> None:
        """
        Do it.

        Raises:
            OSError: The operating system does not allow it.
            Meddled: The file or directory has changed since it was looked at.
        """

    def show(self) -> str:
        """Return the change as a unified diff, if it is a change of text."""
        return ""


@dataclass(frozen=True, slots=True)
class WriteFile(Change):
    """
    A file gets a new text; nobody ever sees half of it.

    Attributes:
        raddb: The directory that it is in.
        path: The file, without links below `raddb`.
        old: Text that is there now, None if there is no file.
        new: Text to write.
        like: An existing file in `raddb` whose owner, group and mode a new file gets.
    """

    raddb: Place
    path: Path
    old: str | None
    new: str
    like: Path

    def describe(self) -> str:
        return f"write {self.path}" if self.old is None else f"change {self.path}"

    def show(self) -> str:
        return _write_diff(self.path, self.old, self.new)

    def make(self) -> None:
        model = _read_status(self.raddb, self.path if self.old is not None else self.like)
        # A leading dot: otherwise FreeRADIUS would read what a crash leaves behind.
        name = f".{self.path.name}.{secrets.token_hex(8)}"
        with self.raddb.open_folder_of(self.path) as folder:
            try:
                with create_file(folder, name) as new:
                    _fill(new, self.new, model)
                self._put_in_place(folder, name)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=folder)

    def _put_in_place(self, folder: int, name: str) -> None:
        if self.old is None:
            try:
                os.link(name, self.path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                raise Meddled(f"{self.path} has come meanwhile: run this again") from None
            return
        _expect(folder, self.path, self.old)
        os.replace(name, self.path.name, src_dir_fd=folder, dst_dir_fd=folder)


@dataclass(frozen=True, slots=True)
class RemoveFile(Change):
    """
    A file of ours is removed.

    Attributes:
        raddb: The directory that it is in.
        path: The file, without links below `raddb`.
        old: Text that is there now.
    """

    raddb: Place
    path: Path
    old: str

    def describe(self) -> str:
        return f"remove {self.path}"

    def show(self) -> str:
        return _write_diff(self.path, self.old, None)

    def make(self) -> None:
        with self.raddb.open_folder_of(self.path) as folder:
            _expect(folder, self.path, self.old)
            os.unlink(self.path.name, dir_fd=folder)


@dataclass(frozen=True, slots=True)
class MakeLink(Change):
    """
    A symbolic link, as ``mods-enabled`` and ``sites-enabled`` have them.

    It belongs to root, who makes it: a link has no rights of its own.

    Attributes:
        raddb: The directory that it is in.
        path: The link.
        target: Where it leads, relative to its directory.
    """

    raddb: Place
    path: Path
    target: str

    def describe(self) -> str:
        return f"link {self.path} -> {self.target}"

    def make(self) -> None:
        with self.raddb.open_folder_of(self.path) as folder:
            try:
                os.symlink(self.target, self.path.name, dir_fd=folder)
            except FileExistsError:
                raise Meddled(f"{self.path} has come meanwhile: run this again") from None


@dataclass(frozen=True, slots=True)
class RemoveLink(Change):
    """
    A symbolic link of ours is removed.

    Attributes:
        raddb: The directory that it is in.
        path: The link.
    """

    raddb: Place
    path: Path

    def describe(self) -> str:
        return f"remove the link {self.path}"

    def make(self) -> None:
        with self.raddb.open_folder_of(self.path) as folder:
            if not stat.S_ISLNK(os.stat(self.path.name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise Meddled(f"{self.path} has been replaced meanwhile: run this again")
            os.unlink(self.path.name, dir_fd=folder)


@dataclass(frozen=True, slots=True)
class MakeDirectory(Change):
    """
    A directory that belongs to the server's user, and that nobody else can use.

    Attributes:
        path: The directory; the one above it exists.
        account: Its owner.
    """

    path: Path
    account: Account

    def describe(self) -> str:
        return f"make the directory {self.path} for {self.account.name}"

    def make(self) -> None:
        try:
            with open_trusted_folder(self.path) as (folder, real):
                os.mkdir(real.name, 0o700, dir_fd=folder)
                with open_directory(folder, real) as made:
                    if os.geteuid() == 0:
                        os.fchown(made, self.account.uid, self.account.gid)
        except Untrusted:
            # Where the server's user may interfere, nothing is done that this user could not do.
            with act_as(self.account):
                self.path.mkdir(mode=0o700)


@dataclass(frozen=True, slots=True)
class LetGroupRead(Change):
    """
    A file becomes readable by the server's group, and by nobody else who could not read it before.

    Attributes:
        path: The file; only root can change the way to it.
        account: Whose group it gets.
    """

    path: Path
    account: Account

    def describe(self) -> str:
        return f"let the group {self.account.group} read {self.path}"

    def make(self) -> None:
        with open_trusted_folder(self.path) as (folder, real), open_file(folder, real) as file:
            mode = stat.S_IMODE(os.fstat(file).st_mode) & _RIGHTS & ~stat.S_IRWXG
            # The new group must not get what root's group was allowed, not even for a moment.
            os.fchmod(file, mode)
            os.fchown(file, -1, self.account.gid)
            os.fchmod(file, mode | stat.S_IRGRP)


@dataclass(frozen=True, slots=True)
class GiveGroup(Change):
    """
    A copy made by root has lost the server's group: these files belong to root's group now.

    Attributes:
        raddb: The directory that they are in.
        paths: The files and directories.
        account: Whose group they get.
    """

    raddb: Place
    paths: tuple[Path, ...]
    account: Account

    def describe(self) -> str:
        count = len(self.paths)
        return (
            f"give {count} {agree(count, 'file or directory', 'files and directories')} of {self.raddb.path} to the group "
            f"{self.account.group}, as it needs {agree(count, 'it', 'them')}"
        )

    def show(self) -> str:
        return "".join(f"{path}\n" for path in self.paths)

    def make(self) -> None:
        for path in self.paths:
            if path == self.raddb.path:
                with self.raddb.open_itself() as top:
                    self._give(top)
                continue
            with self.raddb.open_folder_of(path) as folder:
                found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
                kind = open_directory if stat.S_ISDIR(found.st_mode) else open_file
                with kind(folder, path) as descriptor:
                    self._give(descriptor)

    def _give(self, descriptor: int) -> None:
        if has_lost_group(os.fstat(descriptor), self.account):
            os.fchown(descriptor, -1, self.account.gid)


def has_lost_group(found: os.stat_result, account: Account) -> bool:
    """
    Tell whether root's group may read a file that the server may not.

    A file with a second name does not count: the server's user may have given it that name.
    """
    if not (stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)):
        return False
    readable = found.st_uid == account.uid or bool(found.st_mode & stat.S_IROTH)
    return (
        found.st_gid == 0 and 0 not in account.groups and not readable and bool(found.st_mode & stat.S_IRGRP)
    )


def _expect(folder: int, path: Path, text: str) -> None:
    """Stop if a file is not what was shown."""
    with open_file(folder, path) as descriptor:
        if read_text_of(descriptor) != text:
            raise Meddled(f"{path} has been changed meanwhile: run this again")


def _read_status(raddb: Place, path: Path) -> os.stat_result:
    with raddb.open_folder_of(path) as folder, open_file(folder, path) as descriptor:
        return os.fstat(descriptor)


def _fill(descriptor: int, text: str, model: os.stat_result) -> None:
    """Write a file that only root can use, and then give it the owner and the rights of another one."""
    content = memoryview(text.encode(errors="surrogateescape"))
    while content:
        content = content[os.write(descriptor, content) :]
    if os.geteuid() == 0:
        os.fchown(descriptor, model.st_uid, model.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(model.st_mode) & _RIGHTS)
    os.fsync(descriptor)


def _write_diff(path: Path, old: str | None, new: str | None) -> str:
    lines = difflib.unified_diff(
        (old or "").splitlines(keepends=True),
        (new or "").splitlines(keepends=True),
        "/dev/null" if old is None else str(path),
        "/dev/null" if new is None else str(path),
    )
    return "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
    )
