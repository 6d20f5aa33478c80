"""``esper report``: what a run or a comparison did, as one HTML file, its Markdown twin, or lines in the terminal.

What is said is kept apart from how it is written: ``run_pages``, ``several_pages`` and ``comparison_pages`` make a
``blocks.Report`` of sections, tables and plots (``plots``); ``html``, ``markdown`` and ``terminal`` write one down.
Whatever comes from a file is foreign text: it passes ``escape`` on its way out.  Imports no torch, except to measure
exported modules again (``measuring``).
"""
