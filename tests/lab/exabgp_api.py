#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""exabgp_api.py FIFO ANSWERS: exabgp's helper: commands from FIFO to it, its answers to the file ANSWERS.

Its pipe to us does not block: who reads it without waiting dies of EAGAIN."""
import os
import select
import sys

fifo = os.open(sys.argv[1], os.O_RDWR | os.O_NONBLOCK)
with open(sys.argv[2], "ab", 0) as answers:
    while True:
        ready = select.select([0, fifo], [], [])[0]
        if fifo in ready:
            os.write(1, os.read(fifo, 1 << 16))
        if 0 in ready:
            data = os.read(0, 1 << 16)
            if not data:
                break
            answers.write(data)
