"""``esper bench``: speed as ratios measured interleaved in one process, and what growth buys.

``timing`` (paired windows, verdicts), ``rivals`` (the plain loop that the engine is compared with), one file per
bench: ``engine``, ``ablations``, ``slots``, ``data``, ``growth``, ``ui`` (with ``stage``, the screen on a
pseudo-terminal, and ``recorded``, a run that never was).
"""
