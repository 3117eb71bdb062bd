#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""window.py serve ADDRESS PORT | send ADDRESS PORT FIRST-SOURCE-PORT FLOWS PACKETS

UDP of many flows that no queue can overflow: each flow has a few packets under way, and sends the
next ones when the answers to all of them are there. Packets are numbered: one lost, or one answered
twice, ends it with an error.
"""
import socket
import struct
import sys

WINDOW = 8


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve(address, port):
    with socket.socket(family(address), socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        print("listening", flush=True)
        while True:
            data, sender = sock.recvfrom(2048)
            sock.sendto(data, sender)


def window(flow, first, size):
    for number in range(first, first + size):
        flow.send(struct.pack("!I", number))
    missing = set(range(first, first + size))
    while missing:
        (number,) = struct.unpack("!I", flow.recv(2048))
        if number not in missing:
            sys.exit(f"packet {number} was answered twice")
        missing.remove(number)


def send(address, port, source_port, flows, packets):
    socks = []
    for i in range(flows):
        sock = socket.socket(family(address), socket.SOCK_DGRAM)
        sock.bind(("", source_port + i))
        sock.connect((address, port))
        sock.settimeout(10)
        socks.append(sock)
    for first in range(0, packets, WINDOW):
        for sock in socks:
            window(sock, first, min(WINDOW, packets - first))
    for sock in socks:
        sock.settimeout(0.2)
        try:
            sock.recv(2048)
            sys.exit("an answer came twice")
        except TimeoutError:
            pass


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    send(sys.argv[2], *(int(arg) for arg in sys.argv[3:]))
