"""Waiting: requests that come at random share a group of chips. How many are in flight, what a token and a first token
then take, and the largest rate of requests at which a percentile of both stays within limits."""
