"""An application on a free port of the loopback, in a thread of the process that made it."""

import socket
import threading
import time
from typing import Any

import uvicorn


def running(application: Any) -> int:
    """The port, once it answers there. It runs as long as the process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    return port
