"""Answers of other tools beside ours, and which of our terms explains the difference."""
