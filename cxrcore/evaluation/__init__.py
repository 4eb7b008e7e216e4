"""How well networks predict: metrics, their intervals, subgroups and curves."""
