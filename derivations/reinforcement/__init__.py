"""Chapter 17: reinforcement learning: rollouts, scoring and training passes, and how they share chips."""
