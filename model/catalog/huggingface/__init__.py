"""The reader of Hugging Face configurations."""
