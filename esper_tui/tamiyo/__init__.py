"""The brain: policies that decide for every environment at every boundary.

``scripted`` (wait, random, schedule), ``heuristic`` (rules with a trace), ``masks`` (what is open, as
tensors).
"""
