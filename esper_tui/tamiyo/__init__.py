"""The brain: policies that decide for every environment at every boundary.

``scripted`` (wait, random, schedule), ``heuristic`` (rules with a trace), ``learned`` (a policy made of a network).
What the network sees is in ``features`` (named rows), ``masks`` (what is open) and ``normal`` (running statistics);
``network`` is the network.
"""
