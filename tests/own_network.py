"""Run a command in this network namespace, which is new and empty, once it can reach itself: its loopback is down at first.

    unshare --user --map-root-user --net python tests/own_network.py COMMAND …
"""
import fcntl
import os
import socket
import struct
import sys

SET_FLAGS, UP_AND_RUNNING = 0x8914, 0x41  # SIOCSIFFLAGS; IFF_UP | IFF_RUNNING
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SET_FLAGS, struct.pack('16sh', b'lo', UP_AND_RUNNING))
os.execvp(sys.argv[1], sys.argv[1:])
