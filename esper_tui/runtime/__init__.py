"""The body: presets, building a run, the main loop, the session, run folders.

``presets`` (reading and checking configurations), ``seeding`` (every random number's origin), ``build`` (the only
file that knows every class), ``loop`` (the story of a run), ``session`` (the thread around it and its commands),
``runs`` and ``lock`` (run folders), ``headless`` (a run without a screen), ``receipt``, ``doctor``.
"""
