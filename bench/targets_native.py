# SPDX-License-Identifier: GPL-2.0-only
"""What kucomms is meant to reach between two sides in user space, and whether it does.

Times are compared within one run: the best pass of each side, for other work on the machine only ever makes a time
longer, and beside it the medians of all passes. kucomms copies as the others do, by code that knows the size; what its
functions that copy cost stands in the tables."""

from table import aligned, exact
from targets import ratio

SUBJECTS = ('kucomms-process', 'kucomms-local')
# What else there is to send messages with.
PEERS = ('pipe', 'unix-seqpacket', 'posix-mq', 'zeromq-ipc', 'ck_ring', 'boost-spsc', 'dpdk-rte_ring')
RATE = 'messages_per_s'
RTT = 'rtt_ns'


class Targets:
    def __init__(self, results):
        self.results = results
        self.rows = []

    def value(self, subject, metric, where, which):
        if which == 'best':
            which = 'min' if metric == RTT else 'max'
        return self.results.value(subject, metric, *where, which)

    def of_peers(self, metric, places, which):
        """What the best of them reaches, in any of these places."""
        values = [self.value(peer, metric, where, which) for peer in PEERS for where in places]
        values = [value for value in values if value is not None]
        if not values:
            return None
        return min(values) if metric == RTT else max(values)

    def add(self, what, best, median, relation, limit):
        def met(value):
            return {'<=': value <= limit, '<': value < limit, '>=': value >= limit}[relation]

        if best is None or median is None:
            verdict = 'not measured'
        else:
            verdict = ('yes' if met(median) else 'best pass only') if met(best) else 'no'
        self.rows.append((what, exact(best), exact(median), relation, exact(limit), verdict))

    def beside(self, what, metric, where, subject, relation, limit, there=None, passes=('best', 'median')):
        """Both of kucomms beside one other `subject`, which may be elsewhere."""
        for own in SUBJECTS:
            self.add(f'{own}: {what}', *[
                ratio(self.value(own, metric, where, which), self.value(subject, metric, there or where, which))
                for which in passes], relation, limit)

    def beside_peers(self, what, metric, where, relation, limit, places=None):
        for own in SUBJECTS:
            self.add(f'{own}: {what}', *[
                ratio(self.value(own, metric, where, which), self.of_peers(metric, places or [where], which))
                for which in ('best', 'median')], relation, limit)

    def throughput(self):
        single, burst = ('one-way', 64, 1), ('one-way', 64, 32)
        self.beside_peers('64 B / best peer, one at a time', RATE, single, '>=', 1.0)
        self.beside_peers('64 B, batch 32 / best peer, bursts too', RATE, burst, '>=', 1.0, [single, burst])
        self.beside('64 B / crude-ring, one at a time', RATE, single, 'crude-ring', '>=', 0.9)
        self.beside('64 B / crude-ring, batch 32', RATE, burst, 'crude-ring', '>=', 0.9)
        self.beside('1 KiB in place / crude-ring', RATE, ('one-way-in-place', 1024, 1), 'crude-ring', '>=', 0.9)

    def round_trips(self):
        line = ('echo', 24, 1)
        self.beside('round trip, 24 B / cache-line', RTT, line, 'cache-line', '<=', 1.35)
        self.beside('round trip, 64 B / cache-line', RTT, ('echo', 64, 1), 'cache-line', '<=', 2, line)
        for size in (24, 64):
            self.beside_peers(f'round trip, {size} B / best peer', RTT, ('echo', size, 1), '<', 1.0)
        # The best pass of two that sleep may be one in which they did not get to it.
        self.beside('asleep / eventfd', RTT, ('echo-asleep', 64, 1), 'eventfd', '<=', 1.1, passes=('median', 'median'))
        self.beside('asleep, one processor / eventfd', RTT, ('echo-one-cpu', 64, 1), 'eventfd', '<=', 1.1)

    def counted(self):
        for own in SUBJECTS:
            value = self.results.value(own, 'instructions_per_message', 'one-way', 64, 1)
            self.add(f'{own}: 64 B, sent and received, both copies: instructions', value, value, '<=', 110)
        self.add('messages lost, of all subjects', self.results.lost(), self.results.lost(), '<=', 0)

    def table(self):
        return '\n'.join(aligned([('target', 'best', 'median', '', 'limit', 'met')] + self.rows))


def targets(results):
    judged = Targets(results)
    judged.throughput()
    judged.round_trips()
    judged.counted()
    return judged.table()
