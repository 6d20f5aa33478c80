"""Proof: statistics (``stats``) and the test split (``examine``), which nothing else may open."""
