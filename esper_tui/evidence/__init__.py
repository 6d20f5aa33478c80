"""Proof, and what is taken home: nothing else may open the test split.

``stats`` (intervals), ``examine`` (the test split), ``evaluate`` (policies against each other), ``compare`` (growing
against its rivals), ``export`` (networks as ordinary PyTorch), ``retrain`` (the same from new weights), ``report``.
"""
