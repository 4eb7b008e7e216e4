"""Faults of disk, mount, network and memory, told apart from faults of what is read."""

from __future__ import annotations

import errno
import os
import re

from data_contracts.errors import Busy, CxrError, Interrupted, StorageError

#: The operating system's answers that concern a path, and nothing beyond it.
_OF_THE_PATH = {
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL,
    errno.EILSEQ, errno.ESPIPE, errno.EOVERFLOW, errno.EFBIG,
}  # fmt: skip
_DENIED = {errno.EACCES, errno.EPERM}
#: Its answers for what another program holds.
IN_USE = {errno.EAGAIN, errno.EBUSY, errno.ETXTBSY}
#: What a file system without locks answers to who asks for one.
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


def error_number(error: BaseException) -> int | None:
    """The number the operating system gave; HDF5 and polars keep it in their errors' text only."""
    number = getattr(error, "errno", None)
    if number is None and (told := re.search(r"(?:errno = |\(os error )(\d+)", str(error))):
        number = int(told[1])
    return number


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, also where torch says so in a `RuntimeError` of its own."""
    torch_says = type(error).__name__ == "OutOfMemoryError" or "CPUAllocator" in str(error)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and torch_says)


def environment_error(
    error: BaseException,
    what: object,
    denied: type[CxrError] = StorageError,
    doing: str = "read",
) -> CxrError | None:
    """The fault that `error` stands for if it says nothing about the content of `what`.

    `Interrupted` for a fault of memory, disk, mount or network, `Busy` for a file that is locked,
    `denied` where reading is not permitted. None when `error` concerns the path or the content,
    or is no fault of the operating system.
    """
    if is_out_of_memory(error):
        return Interrupted(
            f"{what} cannot be {doing} (out of memory); give the job more memory, "
            "then run the same command to resume"
        )
    number = error_number(error)
    if number is None or number in _OF_THE_PATH:
        return None
    reason = os.strerror(number).lower()
    if number in _DENIED:
        return denied(f"{what} cannot be {doing} ({reason}); check its permissions")
    if number in IN_USE:
        return Busy(
            f"{what} is in use by another program ({reason}); close it there, "
            "then run the same command again"
        )
    return Interrupted(
        f"{what} cannot be {doing} ({reason}); check disk, mount, network and limits, "
        "then run the same command to resume"
    )
