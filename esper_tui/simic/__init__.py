"""Mathematics only; never sees a host.

``attribution`` (gain, dependence, Shapley values, credit), ``ledger`` (what has been measured of one environment,
and the estimates that gates and policies ask for).
"""
