"""The faults a person can cause or meet, each with its exit code.

    CxrError
    ├── UsageError       2   a bad command line or config: names the field
    ├── ArtifactError    3   an artifact is missing, damaged, of another version or of other inputs
    │   └── StorageError 3   the workspace cannot hold the artifact (disk full), or denies access
    ├── SourceError      4   the source data cannot be used: names file, column, row count
    └── Interrupted      75  stopped on purpose; the same command resumes
        ├── Busy         75  another run is writing the same artifact
        └── Unreachable  75  the engine that runs the jobs does not answer

Every message is one line and says what is wrong, where, and what to do. None carries a
patient-level value.
"""

from __future__ import annotations


class CxrError(Exception):
    """A fault that is reported as one line, without a traceback."""

    exit_code = 1


class UsageError(CxrError):
    """The command line or the configuration cannot be used."""

    exit_code = 2


class ArtifactError(CxrError):
    """An artifact cannot be used as it is."""

    exit_code = 3


class StorageError(ArtifactError):
    """An artifact cannot be written where it belongs, or may not be read there."""


class SourceError(CxrError):
    """The source data (tables, images, weights) cannot be used."""

    exit_code = 4


class Interrupted(CxrError):  # noqa: N818
    """The job was asked to stop; running the same command resumes it."""

    exit_code = 75


class Busy(Interrupted):
    """Another run holds the artifact; the same command works once it has finished."""


class Unreachable(Interrupted):
    """The engine that is to run a job does not answer; the same command works once it does."""


def concerns_content(error: CxrError) -> bool:
    """Whether an error says that an artifact is not what is wanted: absent, damaged, another.

    If not, it says nothing of the artifact, which may be whole: it is in use, access is denied,
    the disk does not answer.
    """
    return isinstance(error, ArtifactError) and not isinstance(error, StorageError)
