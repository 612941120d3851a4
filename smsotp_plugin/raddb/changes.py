"""What an installation changes on the disk: each change can say what it is, show itself, and be made."""

import difflib
import os
import shutil
import stat
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from smsotp_plugin.raddb.tree import Account


class Change(ABC):
    """One change; not made yet."""

    @abstractmethod
    def told(self) -> str:
        """Return what it does, in the infinitive, for example ``write /etc/...``."""

    @abstractmethod
    def make(self) -> None:
        """
        Do it.

        Raises:
            OSError: The operating system does not let us.
        """

    def shown(self) -> str:
        """Return the change as a unified diff, where it is one of text."""
        return ""


@dataclass(frozen=True, slots=True)
class WriteFile(Change):
    """
    A file's new text; nobody ever sees half of it.

    Attributes:
        path: The file.
        old: Text that is there now, None where there is no file.
        new: Text to write.
        like: An existing file whose owner, group and mode a new file gets.
    """

    path: Path
    old: str | None
    new: str
    like: Path

    def told(self) -> str:
        return f"write {self.path}" if self.old is None else f"change {self.path}"

    def shown(self) -> str:
        lines = difflib.unified_diff(
            (self.old or "").splitlines(keepends=True),
            self.new.splitlines(keepends=True),
            "/dev/null" if self.old is None else str(self.path),
            str(self.path),
        )
        return "".join(
            line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
        )

    def make(self) -> None:
        path = Path(os.path.realpath(self.path))
        model = path if path.exists() else self.like
        # A leading dot: FreeRADIUS would otherwise read what a crash leaves behind.
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.write(self.new.encode(errors="surrogateescape"))
                file.flush()
                os.fchmod(file.fileno(), stat.S_IMODE(model.stat().st_mode))
                _take_owner(file.fileno(), model)
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink()
                raise


@dataclass(frozen=True, slots=True)
class MakeLink(Change):
    """
    A symbolic link, as ``mods-enabled`` and ``sites-enabled`` have them.

    Attributes:
        path: The link.
        target: Where it leads, relative to its directory.
    """

    path: Path
    target: str

    def told(self) -> str:
        return f"link {self.path} -> {self.target}"

    def make(self) -> None:
        self.path.symlink_to(self.target)
        owner = self.path.parent.stat()
        if os.geteuid() == 0:
            os.lchown(self.path, owner.st_uid, owner.st_gid)


@dataclass(frozen=True, slots=True)
class MakeDirectory(Change):
    """
    A directory of the server's user, for nobody else.

    Attributes:
        path: The directory; the one above it exists.
        account: Whose it becomes.
    """

    path: Path
    account: Account

    def told(self) -> str:
        return f"make the directory {self.path} for {self.account.name}"

    def make(self) -> None:
        self.path.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.path, self.account.uid, self.account.gid)


@dataclass(frozen=True, slots=True)
class LetGroupRead(Change):
    """
    A file becomes readable by the server's group, and by nobody else who could not read it before.

    Attributes:
        path: The file.
        account: Whose group it gets.
    """

    path: Path
    account: Account

    def told(self) -> str:
        return f"let the group {self.account.group} read {self.path}"

    def make(self) -> None:
        shutil.chown(self.path, group=self.account.gid)
        self.path.chmod(stat.S_IMODE(self.path.stat().st_mode) | stat.S_IRGRP)


@dataclass(frozen=True, slots=True)
class GiveGroup(Change):
    """
    What a copy made by root has lost: files of the server's group that belong to root's now.

    Attributes:
        top: The directory that they are in.
        paths: The files and directories.
        account: Whose group they get.
    """

    top: Path
    paths: tuple[Path, ...]
    account: Account

    def told(self) -> str:
        count = len(self.paths)
        return f"give {count} files and directories of {self.top} to the group {self.account.group}, as it needs them"

    def shown(self) -> str:
        return "".join(f"{path}\n" for path in self.paths)

    def make(self) -> None:
        for path in self.paths:
            shutil.chown(path, group=self.account.gid)


def _take_owner(descriptor: int, model: Path) -> None:
    owner = model.stat()
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
