#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""transfer.py serve ADDRESS PORT | send ADDRESS PORT MEGABYTES [SOURCE]

Sends random bytes over TCP; the server sends back what it got, so both directions carry the
whole of it. The sender compares SHA-256 of what it sent and what came back.
"""
import hashlib
import os
import socket
import sys
import threading


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def echo(conn):
    with conn:
        while data := conn.recv(1 << 16):
            conn.sendall(data)
        conn.shutdown(socket.SHUT_WR)


def serve(address, port):
    with socket.create_server((address, port), family=family(address)) as server:
        print("listening", flush=True)
        while True:
            conn, _ = server.accept()
            threading.Thread(target=echo, args=(conn,), daemon=True).start()


def send(address, port, megabytes, source=""):
    sent, got = hashlib.sha256(), hashlib.sha256()
    block = os.urandom(1 << 20)
    with socket.create_connection((address, port), 60, (source, 0) if source else None) as conn:

        def push():
            for number in range(megabytes):
                data = number.to_bytes(8, "big") + block[8:]
                sent.update(data)
                conn.sendall(data)
            conn.shutdown(socket.SHUT_WR)

        pusher = threading.Thread(target=push)
        pusher.start()
        size = 0
        while data := conn.recv(1 << 16):
            got.update(data)
            size += len(data)
        pusher.join()
    if size != megabytes << 20 or sent.digest() != got.digest():
        sys.exit(f"{size} of {megabytes << 20} bytes came back, or not as sent")
    print(f"{megabytes} MB there and back, as sent")


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
