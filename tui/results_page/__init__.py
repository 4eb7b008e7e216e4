"""The page Results: what the study says, and the evidence for it."""
