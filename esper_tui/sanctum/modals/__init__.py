"""Dialogs over the views; ``base.Modal`` says what a modal is.  Every one fits 80x24."""
