"""What crosses the links: collectives on two tiers, as bytes and starts."""
