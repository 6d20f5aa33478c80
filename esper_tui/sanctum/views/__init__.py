"""The views 1-8 and the launch screen; ``base.View`` says what a view is."""
