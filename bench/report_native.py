#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes tables, plots and one JSON file of what `bench-native` has written.

Usage: report_native.py OUTPUT.json RESULTS [KEY=VALUE...]

KEY=VALUE goes into the file's `environment`. Plots are written beside it. Fails if a message was lost.

Rows are of one subject, metric, direction, size in bytes and batch. Directions:
  one-way            from one side to the other, copied from the sender's memory and to the receiver's, by code that
                     knows the size when it is compiled
  one-way-by-call    the same by functions of a library that do not
  one-way-in-place   written and read where they lie: one word of each cache line
  echo               there and back, both sides looking all the time, if they can
  echo-asleep        there and back, sides that do not look before they sleep
  echo-one-cpu       the same with both sides on one processor, so that each must sleep for the other
Metrics:
  rtt_ns                     one message there and one back
  messages_per_s             `batch` of them published at a time
                             (each sample of a time is the median of parts of a pass)
  instructions_per_message   of one thread that sends it and receives it, both copies included
  syscalls_per_message       of both sides; there and back: of a pair
  wakeups_per_message        of both sides; there and back: of each of the two
  messages_lost              that did not come, or not in their turn
Virtual machines are given other processors now and then: two halves of one, neighbours, or strangers. So a cache line's
round trip is measured before and after each measurement, and only those count that were made at the commonest distance."""

import os
import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from plot import bars
from report import save
from results import Results
from table import SIZE_NAMES, count, exact, grid, microseconds, rate
from targets_native import targets

# More than that, of one processor, is said aloud.
BUSY = 0.1
NAMES = {24: '24 B', **SIZE_NAMES}


def nanoseconds(value):
    return '-' if value is None else f'{value:.0f}'


def best_and_median(heading, metric, direction, size, batch, form):
    best = 'min' if metric == 'rtt_ns' else 'max'
    return [(heading, metric, direction, size, batch, best, form),
            ('median', metric, direction, size, batch, 'median', form)]


def counts(direction, size, batch):
    return [('syscalls', 'syscalls_per_message', direction, size, batch, exact),
            ('wake-ups', 'wakeups_per_message', direction, size, batch, exact)]


def round_trips(results):
    columns = []
    for size in (24, 64, 1024):
        columns += best_and_median(f'{NAMES[size]}: ns', 'rtt_ns', 'echo', size, 1, nanoseconds)
    return grid(results, 'there and back, looking', columns + counts('echo', 64, 1))


def asleep(results, direction, title):
    columns = best_and_median('64 B: µs', 'rtt_ns', direction, 64, 1, microseconds)
    return grid(results, title, columns + counts(direction, 64, 1))


def one_way(results, size, batches):
    columns = []
    for batch in batches:
        columns += best_and_median(f'batch {batch}: /s', 'messages_per_s', 'one-way', size, batch, rate)
    return grid(results, f'one way, {NAMES[size]}', columns + counts('one-way', size, 1))


def other_ways(results):
    columns = []
    for size in (64, 1024):
        columns += best_and_median(f'in place, {NAMES[size]}: /s', 'messages_per_s', 'one-way-in-place', size, 1, rate)
    for batch in (1, 32):
        columns += best_and_median(f'by call, 64 B, batch {batch}: /s', 'messages_per_s', 'one-way-by-call', 64, batch,
                                   rate)
    return grid(results, 'one way, otherwise', columns)


def instructions(results):
    return grid(results, 'one thread, 64 B, both copies', [
        ('instr.', 'instructions_per_message', 'one-way', 64, 1, count),
        ('by call', 'instructions_per_message', 'one-way-by-call', 64, 1, count)])


def tables(results):
    blocks = [round_trips(results),
              asleep(results, 'echo-asleep', 'there and back, two that sleep'),
              asleep(results, 'echo-one-cpu', 'the same on one processor'),
              one_way(results, 64, (1, 16, 32, 64)),
              one_way(results, 1024, (1, 32)),
              other_ways(results),
              instructions(results)]
    return '\n\n'.join('\n'.join(block) for block in blocks if block)


def plot_all(results, directory):
    def best(metric, direction, size, batch):
        which = 'min' if metric == 'rtt_ns' else 'max'
        return [(subject, results.value(subject, metric, direction, size, batch, which))
                for subject, _ in results.of(metric, direction, size, batch)]

    save(directory, 'native-round-trip.svg', bars(
        'Round trip in user space, both sides looking', 'ns, logarithmic', {
            NAMES[size]: best('rtt_ns', 'echo', size, 1) for size in (24, 64, 1024)}))
    save(directory, 'native-asleep.svg', bars(
        'Round trip in user space, both sides asleep', 'ns, logarithmic', {
            'two processors': best('rtt_ns', 'echo-asleep', 64, 1),
            'one processor': best('rtt_ns', 'echo-one-cpu', 64, 1)}))
    for size in (64, 1024):
        save(directory, f'native-throughput-{size}.svg', bars(
            f'Messages of {NAMES[size]} between two sides in user space', 'messages/s, logarithmic', {
                'one at a time': best('messages_per_s', 'one-way', size, 1),
                'batch 32': best('messages_per_s', 'one-way', size, 32),
                'in place': best('messages_per_s', 'one-way-in-place', size, 1)}))


def quiet_or_not(results):
    """What a reader must know of the machine before believing the figures."""
    facts = results.facts
    others = facts.get('others_cpus', 0) + facts.get('stolen_cpus', 0)
    verdict = 'THE MACHINE WAS LOADED: believe the best passes rather than the medians' if others > BUSY else \
              'the machine was quiet'
    return (f"{verdict} (others used {others:.2f} processors meanwhile); left out, for the processors were at another "
            f"distance: {facts.get('at_another_distance', 0)} of {facts.get('measurements', 0)} measurements")


def main():
    output, path, *facts = sys.argv[1:]
    results = Results()
    results.load(path, False)
    environment = dict(fact.split('=', 1) for fact in facts)
    environment.update(results.facts)
    results.write(output, environment)
    plot_all(results, os.path.dirname(output))
    print(', '.join(f'{key} {value}' for key, value in environment.items()))
    print(quiet_or_not(results))
    for subject, why in results.skipped.items():
        print(f'skipped: {subject}: {why}')
    print(f'\n{tables(results)}\n\n{targets(results)}')
    if results.lost():
        sys.exit('report_native.py: messages were lost')


if __name__ == '__main__':
    main()
