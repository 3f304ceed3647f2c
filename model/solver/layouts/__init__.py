"""The search over layouts, batches, formats and machines."""
