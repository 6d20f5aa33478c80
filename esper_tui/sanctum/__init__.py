"""The operator's room: the terminal application.  Imports only leyline and karn, never torch.

Where to look: ``app`` (the application, its frame timer, who shows what), ``source`` (live run or replay, as one
thing), ``actions`` (the table of everything that can be done), ``settings`` (the user's settings.toml), ``theme``
(colours and styles by name), ``glyphs`` (characters a terminal can show), ``text`` (numbers as text), ``lines``
(events as lines), ``chips`` (slots as a few letters), ``widgets`` (drawn line by line, dirty lines only),
``views`` (1-8 and the launch screen), ``modals``.  Presets: ``schema`` (settings as a form sees them), ``toml_edit``
(one setting changed in a text).  Runs: ``cards`` (runs and presets as rows), ``curves`` (several runs to compare),
``launching`` (starting and opening them), ``comparison_lines`` (what ``esper compare`` plays, as rows and lines).
"""
