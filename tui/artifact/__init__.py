"""The page Artifact."""
