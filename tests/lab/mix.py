# SPDX-License-Identifier: GPL-2.0-only
"""Mixed traffic for test_truth.sh.

mix.py serve ADDRESS PORT: echoes TCP and UDP.
mix.py send ADDRESS PORT SECONDS SEED NOBODY: mice, an elephant, an idle connection, scans of closed ports and of NOBODY (an
address that nobody has: half-open connections), fragmented and small UDP. Says what it did, at the end.
"""
import asyncio
import random
import socket
import sys

count = {}


def did(what):
    count[what] = count.get(what, 0) + 1


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


class UdpEcho(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


class UdpSink(asyncio.DatagramProtocol):
    def datagram_received(self, data, addr):
        did("UDP answers")


async def serve(address, port):
    await asyncio.start_server(echo, address, port)
    await asyncio.get_running_loop().create_datagram_endpoint(UdpEcho, local_addr=(address, port))
    print("listening", flush=True)
    await asyncio.Event().wait()


async def exchange(reader, writer, size):
    writer.write(b"x" * size)
    await writer.drain()
    await reader.readexactly(size)


async def mice(address, port, rng):
    while True:
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 8)
            for _ in range(rng.randrange(1, 5)):
                await asyncio.wait_for(exchange(reader, writer, rng.randrange(1, 5000)), 8)
            writer.close()
            did("mice")
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            did("mice that failed")
        await asyncio.sleep(rng.random() * 0.3)


async def steady(address, port, size, pause, what):
    """One connection for all the time; made anew should it break."""
    while True:
        try:
            reader, writer = await asyncio.open_connection(address, port)
            while True:
                await exchange(reader, writer, size)
                did(what)
                await asyncio.sleep(pause)
        except (OSError, asyncio.IncompleteReadError):
            did(what + ", anew")
            await asyncio.sleep(0.5)


async def scan(address, rng, pause):
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as s:
            try:
                s.connect((address, rng.randrange(20000, 60000)))
            except OSError:
                pass
            did("scans")
            await asyncio.sleep(pause + rng.random() * pause)


async def datagrams(address, port, rng):
    loop = asyncio.get_running_loop()
    while True:
        transport, _ = await loop.create_datagram_endpoint(UdpSink, remote_addr=(address, port))
        for _ in range(10):
            transport.sendto(b"x" * rng.choice([10, 500, 4000]))
            did("UDP")
            await asyncio.sleep(0.1)
        transport.close()


async def send(address, port, seconds, seed, nobody):
    rng = random.Random(seed)
    tasks = [mice(address, port, rng) for _ in range(3)]
    tasks += [steady(address, port, 60000, 0.05, "elephant's"), steady(address, port, 1, 3, "of an idle one")]
    tasks += [scan(address, rng, 0.1), scan(nobody, rng, 0.5), datagrams(address, port, rng)]
    await asyncio.wait([asyncio.ensure_future(t) for t in tasks], timeout=seconds)
    print(", ".join(f"{n} {what}" for what, n in sorted(count.items())), flush=True)


if sys.argv[1] == "serve":
    asyncio.run(serve(sys.argv[2], int(sys.argv[3])))
else:
    asyncio.run(send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]), sys.argv[6]))
