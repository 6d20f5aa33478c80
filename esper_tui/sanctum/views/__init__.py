"""The views 1-8 and the launch screen: ``<name>.py`` holds ``<Name>View``; ``base.View`` says what a view is."""
