"""``esper bench``: speed as ratios measured interleaved in one process, and what growth buys.

``timing`` (paired windows, verdicts), ``rivals`` (the plain loop that the engine is compared with), one file per
bench: ``engine``, ``ablations``, ``slots``, ``data``, ``growth``.
"""
