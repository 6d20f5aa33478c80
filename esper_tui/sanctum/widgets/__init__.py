"""Widgets that draw with ``render_line`` and repaint only what changed."""
