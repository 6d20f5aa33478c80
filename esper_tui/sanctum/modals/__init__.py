"""Dialogs over the views: ``<name>.py`` holds ``<Name>Dialog``, opened by ``app.open_modal(name, *args, then=…)``.

``base.Modal`` says what a modal is.  Every one fits 80x24.
"""
