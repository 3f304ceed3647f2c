"""Facts with their sources: accelerators, transformers, and the defaults of published configurations."""
