"""How fast Idiolect is beside what could be used instead, measured side by side: see README.md."""
