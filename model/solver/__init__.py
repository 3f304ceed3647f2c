"""Where terms cross, which batch is best, and what each limit is worth."""
