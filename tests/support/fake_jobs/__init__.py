"""A package of jobs for the tests of what surrounds a job."""
