"""The command `cxr run`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from data_contracts.atomic import translate_os_errors
from jobs._docstrings import documented
from jobs._limits import require_memory
from jobs._pipeline.config import PipelineConfig


@documented
def pipeline(*targets: str, flags: Any = None) -> int:
    """Run all jobs of an analysis that are not up to date.

    Parameters
    ----------
    targets
        Jobs or artifacts to make, with everything they depend on; by default all of them.
    """
    from jobs._pipeline.plan import chosen, steps_of
    from jobs._pipeline.run_plan import print_plan, run_plan
    from jobs._pipeline.settings import read_settings
    from jobs._pipeline.state import reasons_to_run

    require_memory()
    config, sections = read_settings(flags or PipelineConfig())
    _require_folder(config.workspace)
    steps = chosen(steps_of(config, sections), targets)
    if not config.dry_run:
        return run_plan(config, steps)
    print_plan(steps, reasons_to_run(steps, force=config.force))
    return 0


def _require_folder(workspace: Path) -> None:
    """Raise `StorageError` where no run could be recorded, before anything is planned."""
    place = workspace / "runs"
    with translate_os_errors(place), suppress(FileNotFoundError):
        (place / "run").stat()


# The flags are a model of their own, which the command line expands.
pipeline.__annotations__["flags"] = Annotated[PipelineConfig, Parameter(name="*")]
