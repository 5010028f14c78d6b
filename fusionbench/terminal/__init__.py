"""What the user sees: the console and the progress display."""
