"""The engines: each computes a plan on its own kind of data, all with the same meaning."""
