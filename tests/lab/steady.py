#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""steady.py sink ADDRESS PORT | send ADDRESS PORT RATE | tap DEVICE PORT
steady.py lost SENT SEEN | gap OLD NEW AFTER

A steady stream of numbered UDP packets, and where they pass. sink: takes them and says nothing.
send: RATE a second until SIGTERM, then says how many. tap: a line "NANOSECONDS NUMBER" for each
that passes the device (the kernel's time, CLOCK_REALTIME), until SIGTERM. lost: of the numbers that
the sender's log says were sent, how many the tap's log lacks. gap: milliseconds from the last
packet in OLD (a tap's log, or the nanoseconds of an event) to the first one in NEW after the
nanoseconds AFTER; nothing where there is none.
"""
import os
import signal
import socket
import struct
import sys
import time

SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
PORT_AT, NUMBER_AT = 2, 8  # in the UDP header, behind it


def sink(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, int(port)))
        print("listening", flush=True)
        while True:
            sock.recv(2048)


def send(address, port, rate):
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    number, period = 0, 1 / int(rate)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, int(port)))
        due = time.monotonic()
        while not ended:
            try:
                sock.send(struct.pack("!Q", number) + bytes(56))
                number += 1
            except OSError:  # told by an ICMP error of one before
                pass
            due += period
            time.sleep(max(0, due - time.monotonic()))
    print(f"sent {number}", flush=True)


def tap(device, port):
    lines = []

    def end(*_):
        sys.stdout.write("".join(lines))
        sys.stdout.flush()
        os._exit(0)

    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3)) as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        sock.bind((device, 3))
        signal.signal(signal.SIGTERM, end)
        print("listening", flush=True)
        while True:
            try:
                data, info, _, _ = sock.recvmsg(2048, 64)
            except OSError:  # the device went down; it may come back
                time.sleep(0.001)
                continue
            head = (data[0] & 15) * 4 if data and data[0] >> 4 == 4 else 0
            if not head or data[9] != socket.IPPROTO_UDP or len(data) < head + NUMBER_AT + 8:
                continue
            if struct.unpack_from("!H", data, head + PORT_AT)[0] != int(port):
                continue
            sec, nsec = struct.unpack("qq", info[0][2][:16])
            (number,) = struct.unpack_from("!Q", data, head + NUMBER_AT)
            lines.append(f"{sec * 10**9 + nsec} {number}\n")


def seen(log):
    with open(log, encoding="ascii") as file:
        return [tuple(map(int, line.split())) for line in file if line[0].isdigit()]


def lost(sender, log):
    with open(sender, encoding="ascii") as file:
        sent = int(file.read().split()[-1])
    print(sent - len({number for _, number in seen(log)}))


def gap(old, new, after):
    after = int(after)
    first = min((t for t, _ in seen(new) if t > after), default=None)
    if first is None:
        return
    begin = int(old) if old.isdigit() else max((t for t, _ in seen(old) if t < first), default=after)
    print(f"{(first - begin) / 1e6:.3f}")


if __name__ == "__main__":
    {"sink": sink, "send": send, "tap": tap, "lost": lost, "gap": gap}[sys.argv[1]](*sys.argv[2:])
