"""Results as text: yields or returns strings, never prints."""
