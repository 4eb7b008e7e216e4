"""From a job's settings to runs."""
