"""Text to numbers, and answers to text: tables and JSON. No formula lives here."""
