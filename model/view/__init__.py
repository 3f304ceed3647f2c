"""What a person or a script sees: tables and JSON. No formula lives here."""
