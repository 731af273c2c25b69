"""How fast Idiolect is beside what could be used instead, measured side by side: see README.md."""

import os

# As under the supervisor, and before torch is loaded: threads that wait by spinning take the cores from whoever works.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
