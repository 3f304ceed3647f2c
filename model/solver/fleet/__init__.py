"""The mix of machines that serves a demand at least cost, and what each limit is worth."""
