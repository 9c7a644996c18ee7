"""The API keeps to its own document, whatever is sent."""
