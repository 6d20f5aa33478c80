"""Mathematics only; never sees a host.

``attribution`` (gain, dependence, Shapley values, credit), ``ledger`` (what has been measured of one environment,
and the estimates that gates and policies ask for), ``rewards`` (modes as named terms), ``advantages`` (returns),
``buffer`` (whole episodes), ``ppo`` (losses and the update).
"""
