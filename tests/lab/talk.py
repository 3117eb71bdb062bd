#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""talk.py serve | talk.py talk SOURCE>DESTINATION ... | talk.py large SOURCE>DESTINATION ...

serve: echoes TCP and UDP, port 7000, on every address of its namespace.
talk: a TCP connection, a UDP socket and ICMP echo a pair, a small message each 50 ms by each of
them, until it is told to end. A TCP connection that stalls for 2 s is made anew.
large: two TCP connections a pair, that send once what fills some packets, and stay.
"""
import os
import select
import signal
import socket
import struct
import sys
import time

PORT = 7000
PERIOD = 0.05
STALL = 2
IP_PKTINFO = 8


def serve():
    tcp = socket.create_server(("0.0.0.0", PORT), backlog=64)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    udp.bind(("0.0.0.0", PORT))
    print("listening", flush=True)
    conns = set()
    while True:
        for s in select.select([tcp, udp, *conns], [], [])[0]:
            if s is tcp:
                conns.add(tcp.accept()[0])
            elif s is udp:
                data, info, _, peer = udp.recvmsg(2048, 64)
                # from the address that it was sent to, by whichever interface the routes say
                at = info[0][2][4:]
                try:
                    udp.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, b"\0" * 4 + at)], 0, peer)
                except OSError:
                    pass
            else:
                try:
                    data = s.recv(4096)
                    s.setblocking(False)
                    if data:
                        s.send(data)
                except OSError:
                    data = b""
                if not data:
                    conns.discard(s)
                    s.close()


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


# the end of a connection is one packet: nothing of it comes after the row
LINGER = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Pair:
    def __init__(self, index, source, destination):
        self.ends = (source, destination)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((source, 0))
        self.icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.icmp.bind((source, 0))
        self.ident = (os.getpid() * 16 + index) & 0xFFFF
        self.seq = 0
        self.tcp = None
        self.connect()

    def connect(self):
        if self.tcp:
            self.tcp.close()
        self.tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tcp.setsockopt(*LINGER)
        self.tcp.setblocking(False)
        self.tcp.bind((self.ends[0], 0))
        self.tcp.connect_ex((self.ends[1], PORT))
        self.alive = time.monotonic()

    def send(self):
        self.seq = (self.seq + 1) & 0xFFFF
        head = struct.pack("!BBHHH", 8, 0, 0, self.ident, self.seq)
        head = struct.pack("!BBHHH", 8, 0, checksum(head), self.ident, self.seq)
        for sock, data, port in ((self.icmp, head, 0), (self.udp, b"x", PORT)):
            try:
                sock.sendto(data, (self.ends[1], port))
            except OSError:
                pass
            self.drain(sock)
        try:
            self.tcp.send(b"x")
            if self.tcp.recv(4096):
                self.alive = time.monotonic()
        except OSError:
            pass
        if time.monotonic() - self.alive > STALL:
            self.connect()

    @staticmethod
    def drain(sock):
        try:
            while sock.recv(2048, socket.MSG_DONTWAIT):
                pass
        except OSError:
            pass


def talk(pairs):
    pairs = [Pair(i, *p.split(">")) for i, p in enumerate(pairs)]
    while True:
        for p in pairs:
            p.send()
        time.sleep(PERIOD)


def large(pairs):
    conns = []
    for source, destination in [p.split(">") for p in pairs * 2]:
        tcp = socket.create_connection((destination, PORT), 10, (source, 0))
        tcp.setsockopt(*LINGER)
        tcp.sendall(b"x" * 8000)
        conns.append(tcp)
    print("sent", flush=True)
    signal.pause()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if sys.argv[1] == "serve":
    serve()
elif sys.argv[1] == "talk":
    talk(sys.argv[2:])
else:
    large(sys.argv[2:])
