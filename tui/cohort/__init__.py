"""The page Cohort."""
