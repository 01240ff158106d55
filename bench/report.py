#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes tables, plots and one JSON file of what `bench` has written.

Usage: report.py OUTPUT.json WALL-CLOCK INSTRUCTIONS [KEY=VALUE...]

KEY=VALUE goes into the file's `environment`. Plots are written beside it. Fails if a message was lost.

Rows are of one subject, metric, direction (echo, to-kernel, to-user), size in bytes and batch:
  rtt_ns                     one message there and one back
  messages_per_s             for echo: pairs, `batch` of them under way
                             (each sample of a time is the median of parts of a pass)
  instructions_per_message   of the whole machine, both sides; for echo: of a pair
  syscalls_per_message       for echo: of a pair
  wakeups_per_message        of either side; for echo: of each of the two
  messages_lost              that did not come, or not in their turn"""

import os
import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from plot import bars, lines
from results import Results
from table import BATCHES, SIZE_NAMES, SIZES, tables
from targets import targets


def save(directory, name, picture):
    if picture:
        with open(os.path.join(directory, name), 'w', encoding='utf-8') as file:
            file.write(picture)


def plot_all(results, directory):
    save(directory, 'round-trip.svg', bars(
        'Round trip, one message at a time', 'ns, logarithmic', {
            SIZE_NAMES[size]: results.of('rtt_ns', 'echo', size, 1) for size in SIZES}))
    save(directory, 'instructions.svg', bars(
        'Instructions per message of 64 B', 'instructions of both sides, logarithmic', {
            'there and back': results.of('instructions_per_message', 'echo', 64, 1),
            'to kernel': results.of('instructions_per_message', 'to-kernel', 64, 1),
            'to kernel, batch 64': results.of('instructions_per_message', 'to-kernel', 64, 64)}))
    panels = {}
    for direction, heading in (('to-kernel', 'to the kernel'), ('to-user', 'to the user')):
        panels[heading] = {}
        for subject in results.subjects():
            points = [(batch, results.value(subject, 'messages_per_s', direction, 64, batch)) for batch in BATCHES]
            points = [point for point in points if point[1]]
            if len(points) > 1:
                panels[heading][subject] = points
    save(directory, 'throughput.svg', lines('Messages of 64 B per second', 'messages/s, logarithmic',
                                            'messages at a time', panels))


def main():
    output, wall_clock, instructions, *facts = sys.argv[1:]
    results = Results()
    results.load(wall_clock, False)
    results.load(instructions, True)
    environment = dict(fact.split('=', 1) for fact in facts)
    environment.update(results.facts)
    results.write(output, environment)
    plot_all(results, os.path.dirname(output))
    print(', '.join(f'{key} {value}' for key, value in environment.items()))
    for subject, why in results.skipped.items():
        print(f'skipped: {subject}: {why}')
    print(f'\n{tables(results)}\n\n{targets(results)}')
    if results.lost():
        sys.exit('report.py: messages were lost')


if __name__ == '__main__':
    main()
