#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""steady.py sink ADDRESS PORT | send ADDRESS PORT RATE | tap DEVICE PORT
steady.py lost SENT SEEN | times EVENTS SEEN NAME=LOG ...

A steady stream of numbered UDP packets, and where they pass. sink: takes them and says nothing.
send: RATE a second until SIGTERM, then says how many. tap: a line "NANOSECONDS NUMBER" for each
that passes the device (the kernel's time, CLOCK_REALTIME), until SIGTERM. lost: of the numbers that
the sender's log says were sent, how many the tap's log lacks.

times: EVENTS has lines "KIND NANOSECONDS OLD NEW", in order, OLD and NEW by the names of the taps'
logs: from the last packet by OLD (-: from the event) to the first one by NEW after it, before the
next event. A line a kind, "KIND N MOVED MEDIAN WORST LOST LOST-WORST": events, those after which a
packet went by NEW, milliseconds, numbers that SEEN lacks after an event: all of them, and the most
after one.
"""
import bisect
import os
import signal
import socket
import statistics
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


def missing(log, starts):
    """By the index of the event before it: numbers that are not there."""
    found, at = sorted((n, t) for t, n in seen(log)), dict.fromkeys(range(len(starts)), 0)
    for (n, _), (after, t) in zip(found, found[1:]):
        event = bisect.bisect(starts, t) - 1
        if event >= 0:
            at[event] += after - n - 1
    return at


def times(events, cloud, *logs):
    taps = {name: sorted(t for t, _ in seen(log)) for name, log in (arg.split("=") for arg in logs)}
    with open(events, encoding="ascii") as file:
        lines = [line.split() for line in file]
    starts = sorted({int(line[1]) for line in lines})
    gone, kinds = missing(cloud, starts), {}
    for kind, ns, old, new in lines:
        index = starts.index(int(ns))
        end = starts[index + 1] if index + 1 < len(starts) else 1 << 63
        first = next((t for t in taps[new] if int(ns) < t < end), None)
        row = kinds.setdefault(kind, ([], [], []))
        row[0].append(first)
        row[2].append(gone[index])
        if first is not None:
            before = bisect.bisect(taps[old], first) if old != "-" else 0
            row[1].append((first - (taps[old][before - 1] if before else int(ns))) / 1e6)
    for kind, (all_of, ms, lost_of) in kinds.items():
        print(kind, len(all_of), len(ms), *(f"{f(ms):.1f}" if ms else "-" for f in (statistics.median, max)),
              sum(lost_of), max(lost_of))


if __name__ == "__main__":
    {"sink": sink, "send": send, "tap": tap, "lost": lost, "times": times}[sys.argv[1]](*sys.argv[2:])
