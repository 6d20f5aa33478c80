"""The engine: N small networks trained at once.

``bank`` (rows of weights and optimiser state), ``stack`` (a module for many rows), ``chunk`` (one stacked host with
its seeds: the training step), ``sweep`` (any set of variants in one forward pass), ``engine`` (environments, chunks
and threads), ``probe`` (which chunk size and how many threads).  Sees neither policy nor reward nor data sets.
"""
