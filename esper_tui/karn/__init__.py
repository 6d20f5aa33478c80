"""Memory: reading run folders (``read``) and folding events into a run record (``record``).  Imports no torch."""
