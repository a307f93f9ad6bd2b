"""On PYTHONPATH, this cuts a Python process and its children off from the network: only this machine can be reached.

It stands in where a network namespace of one's own isn't to be had (macOS, Windows, some containers).
"""
import socket

LOCAL = ('127.', '::1', 'localhost')


def _refuse_far(call):
    def checked(self, address, *args):
        if isinstance(address, tuple) and not str(address[0]).startswith(LOCAL):
            raise OSError(f'the network is cut off: {address}')
        return call(self, address, *args)
    return checked


def _refuse_names(call):
    def checked(host, *args, **kwargs):
        if host and not str(host).startswith(LOCAL):
            raise OSError(f'the network is cut off: {host}')
        return call(host, *args, **kwargs)
    return checked


for name in ('connect', 'connect_ex'):
    setattr(socket.socket, name, _refuse_far(getattr(socket.socket, name)))
socket.getaddrinfo = _refuse_names(socket.getaddrinfo)
