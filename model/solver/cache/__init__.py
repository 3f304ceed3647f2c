"""Where to keep a KV cache between two turns."""
