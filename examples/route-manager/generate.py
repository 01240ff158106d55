#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes a batch file for kucomms-route with as many routes as asked for, that look like those of the Internet.

How many prefixes there are of each length is as in tables of the Internet's core, and they lie where they lie there:
within what registries give away, mostly within or right beside others, seldom alone. There are no duplicates and no
bits behind a prefix; the order is random. The same arguments give the same file."""

import argparse
import random
import socket
import sys

# How many there are of each length, roughly as in 2024.
LENGTHS4 = {8: 16, 9: 13, 10: 40, 11: 100, 12: 300, 13: 580, 14: 1200, 15: 2000, 16: 13500, 17: 8300, 18: 14000,
            19: 25000, 20: 44000, 21: 52000, 22: 110000, 23: 100000, 24: 600000}
LENGTHS6 = {19: 2, 20: 20, 22: 10, 24: 40, 26: 20, 27: 20, 28: 200, 29: 5000, 30: 600, 31: 250, 32: 24000, 33: 3000,
            34: 2500, 35: 1000, 36: 10000, 37: 700, 38: 1900, 39: 600, 40: 18000, 41: 600, 42: 2800, 43: 700,
            44: 19000, 45: 2000, 46: 6000, 47: 5500, 48: 90000, 56: 300, 64: 400}

# What is given away: (bits, length).
BLOCKS4 = [(bits, 8) for bits in range(1, 224) if bits not in (10, 127)]
BLOCKS6 = [(0x2001, 16)] + [(bits, 12) for bits in (0x240, 0x260, 0x280, 0x2a0, 0x2c0)]

# Of 100 prefixes so many lie beside the one before, or within another; the rest anywhere in a block.
BESIDE, WITHIN = 35, 50
# Beside: but for these bits they are the same.
BITS_BESIDE = 3

NEXT_HOPS = 300
INTERFACES = 16
MOST = 2000000


def shares(number, weights):
    """How many there are to be of each length, so that they are `number` together."""
    total, weight_so_far, given = sum(weights.values()), 0, 0
    for length, weight in weights.items():
        weight_so_far += weight
        share = number * weight_so_far // total - given
        given += share
        yield length, share


class Prefixes:
    """(bits, length, next hop), no two with the same bits and length."""

    def __init__(self, dice, blocks):
        self.dice = dice
        self.blocks = len(blocks)
        self.block_length = max(length for _, length in blocks)
        self.all = [(bits, length, self.next_hop()) for bits, length in blocks]

    def next_hop(self):
        # Some are used much more than others.
        return int(self.dice.random() ** 3 * NEXT_HOPS)

    def choose(self, length, last):
        """Bits, which others may have already, and a next hop."""
        kind = self.dice.random() * 100
        if kind < BESIDE and last and length - BITS_BESIDE >= self.block_length:
            return last[0] ^ self.dice.getrandbits(BITS_BESIDE), last[1]
        candidates = len(self.all) if kind < BESIDE + WITHIN else self.blocks
        bits, outer_length, next_hop = self.all[int(self.dice.random() * candidates)]
        more = length - outer_length
        bits = bits << more | (self.dice.getrandbits(more) if more else 0)
        return bits, next_hop if self.dice.random() < 0.5 else self.next_hop()

    def add(self, length, number):
        """Lengths have to ascend: what lies within others comes after them."""
        new, last = {}, None
        while len(new) < number:
            last = self.choose(length, last)
            new.setdefault(*last)
        self.all += [(bits, length, next_hop) for bits, next_hop in new.items()]

    def made(self):
        return self.all[self.blocks:]


def address4(bits, length):
    return socket.inet_ntop(socket.AF_INET, (bits << (32 - length)).to_bytes(4, 'big'))


def address6(bits, length):
    return socket.inet_ntop(socket.AF_INET6, (bits << (128 - length)).to_bytes(16, 'big'))


def lines(dice, number, weights, blocks, address, next_hops):
    prefixes = Prefixes(dice, blocks)
    for length, share in shares(number, weights):
        prefixes.add(length, share)
    return [f'add {address(bits, length)}/{length} via {next_hops[next_hop]} dev {next_hop % INTERFACES + 1}\n'
            for bits, length, next_hop in prefixes.made()]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--seed', type=int, default=1, help='another number gives other routes (default: 1)')
    parser.add_argument('--ipv4', type=int, default=1000000, metavar='N', help='how many (default: 1000000)')
    parser.add_argument('--ipv6', type=int, default=200000, metavar='N', help='how many (default: 200000)')
    given = parser.parse_args()
    if not (0 <= given.ipv4 <= MOST and 0 <= given.ipv6 <= MOST):
        parser.error(f'there can be 0 to {MOST} of each family')
    return given


def main():
    given = arguments()
    dice = random.Random(given.seed)
    # Addresses for benchmarks and for documentation.
    hops4 = [f'198.18.{hop // 250}.{hop % 250 + 1}' for hop in range(NEXT_HOPS)]
    hops6 = [f'2001:db8::{hop + 1:x}' for hop in range(NEXT_HOPS)]
    routes = lines(dice, given.ipv4, LENGTHS4, BLOCKS4, address4, hops4)
    routes += lines(dice, given.ipv6, LENGTHS6, BLOCKS6, address6, hops6)
    dice.shuffle(routes)
    sys.stdout.writelines(routes)


if __name__ == '__main__':
    main()
