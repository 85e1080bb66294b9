# SPDX-License-Identifier: GPL-3.0-or-later
"""
A program for the far end of a bulk comparison: listens on the given port of 127.0.0.1 and sends everybody the given number of random bytes,
the same each time, as fast as they take them.
"""

import os
import socket
import sys


def main():
    port, count = int(sys.argv[1]), int(sys.argv[2])
    data = os.urandom(count)
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.sendall(data)
                except OSError:
                    continue


if __name__ == "__main__":
    main()
