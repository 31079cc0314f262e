"""Files that are either written whole or left as they were."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

__all__ = ["check_writable", "write_atomically"]


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out, before any work is done, that a file could not be written.

    Parameters
    ----------
    path : str or os.PathLike
        File that is to be written; it may exist already.

    Raises
    ------
    OSError
        FileNotFoundError if its folder does not exist, NotADirectoryError if that is no folder,
        IsADirectoryError if `path` is one, PermissionError if the folder or the file is read-only.
    """
    target = Path(os.path.realpath(path))
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(f"{os.fspath(path)}: is a folder; give the name of a file in it")
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(f"{os.fspath(path)}: is there already and is read-only")
    if mode is not None and not stat.S_ISREG(mode):
        return  # a device or a pipe is written to, not replaced: its folder does not matter
    folder = target.parent
    if not folder.exists():
        raise FileNotFoundError(f"{os.fspath(path)}: the folder {folder} does not exist; create it")
    if not folder.is_dir():
        raise NotADirectoryError(f"{os.fspath(path)}: {folder} is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{os.fspath(path)}: no permission to write into {folder}")


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that no reader ever sees half of it.

    The content goes to a temporary file in the same folder, is flushed to the disk, and takes the
    place of `path` in one step. After a failure the old file is as it was and nothing is left
    behind. A symbolic link stays, and the file it points at is replaced; an existing file keeps
    its permissions. Devices and pipes are written to directly.

    Parameters
    ----------
    path : str or os.PathLike
        File to write.
    content : bytes
        What it is to hold.

    Raises
    ------
    OSError
        If the file cannot be written (see `check_writable`), or the disk is full.
    """
    check_writable(path)
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = Path(path).stat().st_mode
    if mode is not None and not stat.S_ISREG(mode):
        Path(path).write_bytes(content)
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(8)}.tmp")
    # os.open applies the umask of the process, as for any new file.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(target.parent)


_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends otherwise


def _flush_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can open folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
