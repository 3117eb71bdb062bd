#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""disguise.py DEVICE MAC SRC DST PORT ROUNDS PAUSE: sends TCP to DST port PORT as it is and as anything that a filter by
ports may take for something else: fragments, IP options or extension headers, oversize with and without DF, TTL 1 and 2,
a header cut short, an ICMP error that quotes it, a source that is nobody's. Prints how many packets it sent."""
import ipaddress
import socket
import struct
import sys
import time

device, mac, src, dst, port, rounds, pause = sys.argv[1:8]
port, rounds, pause = int(port), int(rounds), float(pause)
six = ":" in dst
s, d = (ipaddress.ip_address(a).packed for a in (src, dst))
sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
to = (device, 0x86DD if six else 0x0800, 0, 0, bytes.fromhex(mac.replace(":", "")))


def check(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(payload, proto=6, frag=0, ttl=64, options=b"", source=s):
    def head(c):
        return struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), 7, frag,
                           ttl, proto, c, source, d) + options
    return head(check(head(0))) + payload


def ip6(payload, proto=6, ttl=64, source=s):
    return struct.pack("!IHBB16s16s", 6 << 28, len(payload), proto, ttl, source, d) + payload


def tcp(sport, data=b"x" * 64):
    return struct.pack("!HHIIBBHHH", sport, port, 1, 1, 5 << 4, 16, 1000, 0, 0) + data


def all4(n):
    whole, nobody = tcp(40000 + n), ipaddress.ip_address("172.31.0.9").packed
    quoted = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 1, 0, 60, 6, 0, d, s) + struct.pack("!HHI", port, 41000, 1)
    error = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
    yield ip4(whole)
    yield ip4(whole[:24], frag=0x2000)
    yield ip4(b"y" * 600, frag=3)
    yield ip4(whole, options=b"\x07\x07\x04\0\0\0\0\0")
    yield ip4(whole, options=b"\x94\x04\0\0")
    yield ip4(tcp(42000 + n, b"z" * 1460))
    yield ip4(tcp(43000 + n, b"z" * 1460), frag=0x4000)
    yield ip4(whole, ttl=1)
    yield ip4(tcp(44000 + n), ttl=2)
    yield ip4(whole[:12])
    yield ip4(error[:2] + struct.pack("!H", check(error)) + error[4:], proto=1)
    yield ip4(whole, source=nobody)


def all6(n):
    whole, nobody = tcp(40000 + n), ipaddress.ip_address("fd00:dead::9").packed
    options = b"\x06\0\x01\x04\0\0\0\0"
    yield ip6(whole)
    yield ip6(struct.pack("!BBHI", 6, 0, 1, 9) + whole[:24], proto=44)
    yield ip6(struct.pack("!BBHI", 6, 0, 24, 9) + b"y" * 600, proto=44)
    yield ip6(struct.pack("!BBHI", 60, 0, 1, 10) + options + whole, proto=44)
    yield ip6(options + whole, proto=60)
    yield ip6(options + whole, proto=0)
    yield ip6((b"\x3c\0\x01\x04\0\0\0\0" * 7) + options + whole, proto=60)
    yield ip6(tcp(42000 + n, b"z" * 1440))
    yield ip6(whole, ttl=1)
    yield ip6(whole[:12])
    yield ip6(whole, source=nobody)


sent = 0
for n in range(rounds):
    for packet in (all6 if six else all4)(n):
        sock.sendto(packet, to)
        sent += 1
    time.sleep(pause)
print(sent)
