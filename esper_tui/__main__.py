"""``python -m esper_tui`` is ``esper``."""

from esper_tui.cli import main

if __name__ == "__main__":
    main()
