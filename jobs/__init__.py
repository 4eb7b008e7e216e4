"""The jobs: one file each. A leading underscore marks machinery.

File name = command, first docstring line = help, `Config` = flags, `READS` and `WRITES` = the
pipeline's edges. `FILES`, `CHECKPOINTS` and `sources` name what else a job writes, keeps for the
run that resumes, and reads. Heavy imports stand inside `run`, so that listing the jobs stays cheap.
"""
