"""What people see: the report, its figures and tables, and the summary on the terminal."""
