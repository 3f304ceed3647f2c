"""Engines that serve and train: which layouts each can run, and the command line that runs one."""
