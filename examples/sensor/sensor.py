#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A client of the sensor that needs nothing but read() and write(): sensor.py [COUNT [RATE]]"""
import os
import struct
import sys

HEADER = struct.Struct("=IIQQQ")  # length, 0, type, id, user
START, STOP, SET_RATE, SAMPLE = 1, 2, 3, 4


def receive(fd):
    message = os.read(fd, 4096)
    length, _, kind, number, user = HEADER.unpack_from(message)
    return kind, number, user, message[HEADER.size:HEADER.size + length]


class Reader:
    def __init__(self, fd, wanted):
        self.fd, self.wanted, self.got = fd, wanted, 0

    def sample(self, number, time, data):
        if not self.got:
            self.first = number
        self.got += 1
        self.last = number
        if self.got <= self.wanted:
            print(number, time, *struct.unpack_from("=i", data))

    def command(self, command, user=0):
        """Sends a command and waits for the answer; samples may come before it."""
        os.write(self.fd, HEADER.pack(0, 0, command, 0, user))
        while True:
            kind, number, user, data = receive(self.fd)
            if kind == SAMPLE:
                self.sample(number, user, data)
            elif user:
                raise OSError(user, os.strerror(user))
            else:
                return

    def read(self):
        while self.got < self.wanted:
            _, number, time, data = receive(self.fd)
            self.sample(number, time, data)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    reader = Reader(os.open("/dev/kucomms_sensor", os.O_RDWR | os.O_CLOEXEC), count)
    if len(sys.argv) > 2:
        reader.command(SET_RATE, int(sys.argv[2]))
    reader.command(START)
    reader.read()
    reader.command(STOP)
    if reader.got:
        print(f"{reader.got} samples, {reader.last - reader.first + 1 - reader.got} missed", file=sys.stderr)


try:
    main()
except OSError as error:
    sys.exit(f"sensor: {error.strerror}")
