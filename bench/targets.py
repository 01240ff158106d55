# SPDX-License-Identifier: GPL-2.0-only
"""What kucomms is meant to reach, and whether it does.

The exact ones are counted. The others are ratios of times within one run; other work on the machine only ever makes a
time longer, so the best pass of each side is compared."""

from table import BATCHES, aligned, exact

INSTRUCTIONS = 'instructions_per_message'
SYSCALLS = 'syscalls_per_message'
WAKEUPS = 'wakeups_per_message'
RTT = 'rtt_ns'
RATE = 'messages_per_s'


def ratio(a, b):
    return a / b if a is not None and b else None


def difference(a, b):
    return a - b if a is not None and b is not None else None


def most(values):
    values = list(values)
    return None if None in values else max(values)


class Targets:
    def __init__(self, results):
        self.results = results
        self.rows = []

    def median(self, subject, metric, direction='echo', size=64, batch=1):
        return self.results.value(subject, metric, direction, size, batch)

    def best(self, subject, metric, direction='echo', size=64, batch=1):
        return self.results.value(subject, metric, direction, size, batch, 'min' if metric == RTT else 'max')

    def at_most(self, what, value, limit):
        self.rows.append((what, value, '<=', limit, None if value is None else value <= limit))

    def at_least(self, what, value, limit):
        self.rows.append((what, value, '>=', limit, None if value is None else value >= limit))

    def counted(self):
        adaptive, get = 'kucomms-adaptive', self.median
        echo = get(adaptive, INSTRUCTIONS)
        self.at_most('adaptive echo / ioctl echo, 64 B', ratio(echo, get('ioctl', INSTRUCTIONS)), 1.0)
        self.at_least('netlink echo / adaptive echo, 64 B', ratio(get('netlink', INSTRUCTIONS), echo), 5.5)
        self.at_most('adaptive echo / ioctl echo, 1 KiB',
                     ratio(get(adaptive, INSTRUCTIONS, size=1024), get('ioctl', INSTRUCTIONS, size=1024)), 1.05)
        self.at_least('ioctl echo / adaptive echo, 64 KiB',
                      ratio(get('ioctl', INSTRUCTIONS, size=65536), get(adaptive, INSTRUCTIONS, size=65536)), 1.5)
        for batch, limit in ((16, 140), (64, 100)):
            self.at_most(f'to the kernel, batch {batch}: instructions',
                         get(adaptive, INSTRUCTIONS, 'to-kernel', batch=batch), limit)
            self.at_most(f'to the kernel, batch {batch}: system calls',
                         get(adaptive, SYSCALLS, 'to-kernel', batch=batch), 1 / batch)
        self.at_most('validation: adaptive - crude-ring, to the kernel, batch 64',
                     difference(get(adaptive, INSTRUCTIONS, 'to-kernel', batch=64),
                                get('crude-ring', INSTRUCTIONS, 'to-kernel', batch=64)), 40)
        sleeping = get('kucomms-thread', INSTRUCTIONS)
        self.at_most('thread echo, both sides sleep: instructions', sleeping, 8000)
        self.at_most('thread echo / eventfd ping-pong', ratio(sleeping, get('eventfd', INSTRUCTIONS)), 1.0)
        self.at_most('thread echo: wake-ups', get('kucomms-thread', WAKEUPS), 1)
        self.at_most('thread, streaming to the kernel, batch 64: wake-ups',
                     get('kucomms-thread', WAKEUPS, 'to-kernel', batch=64), 0.01)
        for metric, name in ((SYSCALLS, 'system calls'), (WAKEUPS, 'wake-ups')):
            self.at_most(f'poll, every direction and batch: {name}',
                         most(get('kucomms-poll', metric, direction, batch=batch)
                              for direction in ('echo', 'to-kernel', 'to-user') for batch in (1, 16, 64)), 0)
            self.at_most(f'streaming to a busy reader: {name}',
                         most(get(adaptive, metric, 'to-user', batch=batch) for batch in (1, 16, 64)), 0)
        # mmap() takes longer in a process with many mappings, whatever is mapped.
        for key, name, limit in (('attach_instructions', 'instructions to attach one', 1.5),
                                 ('bytes_per_channel', 'memory of one', 1.1)):
            self.at_most(f'most channels / 64 channels: {name}', self.growth(key), limit)
        self.at_most('idle channels: wake-ups',
                     sum(row['wakeups'] for row in self.results.idle) if self.results.idle else None, 0)
        self.at_most('messages lost, of all subjects', self.results.lost(), 0)

    def growth(self, key):
        rows = self.results.channels
        return ratio(rows[max(rows)].get(key), rows[min(rows)].get(key)) if rows else None

    def timed(self):
        adaptive, get = 'kucomms-adaptive', self.best
        poll, bare, netlink = get('kucomms-poll', RTT), get('crude-ring-poll', RTT), get('netlink', RTT)
        # Two that look all the time say nothing if they have never run at the same time: then a bare ring is slow, too.
        if bare and netlink and bare > netlink:
            poll = bare = None
        self.at_least('netlink echo / adaptive echo, time', ratio(netlink, get(adaptive, RTT)), 5)
        self.at_least('netlink echo / poll echo, time', ratio(netlink, poll), 10)
        self.at_least('ioctl echo / poll echo, time', ratio(get('ioctl', RTT), poll), 1.5)
        self.at_most('poll echo / crude-ring-poll echo, time', ratio(poll, bare), 1.1)
        self.at_least('batch 64 to the kernel / netlink, messages/s',
                      ratio(get(adaptive, RATE, 'to-kernel', batch=64), get('netlink', RATE, 'to-kernel', batch=64)),
                      50)
        self.at_most('memcpy / adaptive, 64 KiB to the user, messages/s',
                     ratio(get('memcpy', RATE, 'to-user', 65536),
                           most(get(adaptive, RATE, 'to-user', 65536, batch) for batch in BATCHES)), 1.3)

    def table(self):
        yes_or_no = {None: 'not measured', True: 'yes', False: 'no'}
        return '\n'.join(aligned([('target', 'value', '', 'limit', 'met')] + [
            (what, exact(value), relation, exact(limit), yes_or_no[met])
            for what, value, relation, limit, met in self.rows]))


def targets(results):
    exactly, by_time = Targets(results), Targets(results)
    exactly.counted()
    by_time.timed()
    return f'counted, 64 B unless said otherwise\n{exactly.table()}\n\ntimed, the best pass of each\n{by_time.table()}'
