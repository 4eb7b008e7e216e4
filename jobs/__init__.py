"""The jobs: one file each. A leading underscore marks machinery.

File name = command, first docstring line = help, `Config` = flags, `READS` and `WRITES` = the
pipeline's edges. Heavy imports stand inside `run`, so that listing the jobs stays cheap.
"""
