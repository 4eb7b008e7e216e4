"""The dashboard: reads artifacts and run records, and launches jobs through `jobs._engines`."""
