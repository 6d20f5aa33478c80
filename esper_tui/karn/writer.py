"""Whether the process that wrote something still lives."""

import psutil


def lives(pid: int, started: float) -> bool:
    """Whether a process of this host is the one that was started then (seconds since 1970), and not a zombie."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError, OverflowError):  # no such process, or no number of one
        return False
