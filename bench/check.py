#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks that a benchmark is whole, as TAP: that every row is there, that no message was lost, and that the figures
hold which no load can change. What was skipped is skipped here.

Usage: check.py FILE.json"""

import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from check_native import check_native
from results import Results
from table import BATCHES, SIZES

DIRECTIONS = ('echo', 'to-kernel', 'to-user')
BUSY = {'kucomms-poll', 'crude-ring-poll'}
# (directions, sizes, batches) of those that have not all.
LESS = {
    'kucomms-adaptive-full': (('to-user',), (64,), (1,)),
    'kucomms-thread-full': (('to-user',), (64,), (1,)),
    'eventfd': (('echo',), (64,), (1,)),
    'futex': (('echo',), (64,), (1,)),
    'genetlink': (DIRECTIONS, (64, 1024), BATCHES),
    'memcpy': (('to-kernel', 'to-user'), SIZES, (1,)),
}
SUBJECTS = ('kucomms-adaptive', 'kucomms-adaptive-copy', 'kucomms-thread', 'kucomms-poll', 'kucomms-adaptive-full',
            'kucomms-thread-full', 'kucomms-read-write',
            'ioctl', 'read-write', 'netlink', 'genetlink', 'eventfd', 'futex', 'bpf-ringbuf', 'crude-ring',
            'crude-ring-poll', 'memcpy')


def cells(subject):
    directions, sizes, batches = LESS.get(subject, (DIRECTIONS, SIZES, BATCHES))
    for direction in directions:
        for size in sizes:
            for batch in batches:
                if subject != 'kucomms-read-write' or size < 65536 or batch == 1:
                    yield direction, size, batch


def metrics(subject, direction, batch):
    yield from ('messages_per_s', 'syscalls_per_message', 'wakeups_per_message', 'messages_lost')
    if direction == 'echo' and batch == 1:
        yield 'rtt_ns'
    if subject not in BUSY:
        yield 'instructions_per_message'


def missing(results, subject):
    return [f'{metric} {direction} {size} {batch}'
            for direction, size, batch in cells(subject)
            for metric in metrics(subject, direction, batch)
            if results.value(subject, metric, direction, size, batch) is None]


# (subject, direction, batch, system calls per message of 64 B): counted, so the same on every machine.
SYSCALLS = (
    [('kucomms-adaptive', direction, batch, 1 / batch) for direction in ('echo', 'to-kernel') for batch in BATCHES] +
    [('kucomms-adaptive', 'to-user', batch, 0) for batch in BATCHES] +
    [('kucomms-poll', direction, batch, 0) for direction in DIRECTIONS for batch in BATCHES] +
    [('kucomms-read-write', 'echo', 1, 2), ('ioctl', 'echo', 1, 1), ('read-write', 'echo', 1, 2),
     ('netlink', 'echo', 1, 2)])


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = 0

    def point(self, passed, what, why='', skip=''):
        self.number += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.number} - {what}{f' # SKIP {skip}' if skip else ''}")
        if not passed and why:
            print(f'# {why}')


def main():
    results, tap = Results.read(sys.argv[1]), Tap()
    for subject in SUBJECTS:
        what = f'{subject}: every row is there'
        if subject in results.skipped:
            tap.point(True, what, skip=results.skipped[subject])
            continue
        gaps = missing(results, subject)
        tap.point(not gaps, what, f"missing: {', '.join(gaps[:5])}")
    tap.point(results.lost() == 0, 'no message was lost', f'{results.lost()} were')
    for subject, direction, batch, expected in SYSCALLS:
        if subject in results.skipped:
            continue
        row = results.rows.get((subject, 'syscalls_per_message', direction, 64, batch))
        same = row is not None and abs(row['min'] - expected) < 1e-9 and abs(row['max'] - expected) < 1e-9
        tap.point(same, f'{subject}: {expected:g} system calls per message, {direction}, batch {batch}', str(row))
    tap.point(len(results.channels) > 1, 'many channels were attached')
    tap.point(bool(results.idle) and not any(row['wakeups'] for row in results.idle), 'nobody wakes an idle channel',
              str(results.idle))
    check_native(Results.read(sys.argv[2]), tap)
    print(f'1..{tap.number}')
    sys.exit(tap.failed != 0)


if __name__ == '__main__':
    main()
