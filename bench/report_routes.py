#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a table, plots and one JSON file of what `routes bench` has written.

Usage: report_routes.py OUTPUT.json WALL-CLOCK INSTRUCTIONS [KEY=VALUE...]

KEY=VALUE goes into the file's `environment`. Plots are written beside it.

Rows are of one subject (the name that was opened), metric, direction, size (of a route) and batch, as in report.py:
  routes_per_s            of which each came, or was answered
  instructions_per_route  of the whole machine, both sides
The direction is what was done: load (created), read, lookup: asked for in messages of their own, `batch` of them at a
time and the next under way while these are answered, or one at a time; list: asked for once, all of them."""

import os
import sys

sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from plot import bars
from results import Results
from table import aligned, count, rate

SIZE = 48
CELLS = (('load', 1), ('load', 64), ('read', 1), ('read', 64), ('lookup', 1), ('lookup', 64), ('list', 64))


def heading(direction, batch):
    if direction == 'list':
        return 'list'
    return f"{direction}, {'one at a time' if batch == 1 else f'{batch} at a time'}"


def table(results, subjects):
    rows = [['routes'] + [cell for subject in subjects for cell in (f'{subject}: /s', 'instr.')] +
            [f'{subjects[0]} : {subject}' for subject in subjects[1:]]]
    for direction, batch in CELLS:
        rates = [results.value(subject, 'routes_per_s', direction, SIZE, batch) for subject in subjects]
        row = [heading(direction, batch)]
        for subject, value in zip(subjects, rates):
            row += [rate(value), count(results.value(subject, 'instructions_per_route', direction, SIZE, batch))]
        rows.append(row + [f'{rates[0] / value:.1f}' if value else '-' for value in rates[1:]])
    return '\n'.join(aligned(rows))


def plot(results, metric, title, unit, path):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(bars(title, unit, {heading(direction, batch): results.of(metric, direction, SIZE, batch)
                                      for direction, batch in CELLS if direction != 'read'}))


def main():
    output, wall_clock, instructions, *facts = sys.argv[1:]
    results = Results()
    results.load(wall_clock, False)
    results.load(instructions, True)
    environment = dict(fact.split('=', 1) for fact in facts)
    environment.update(results.facts)
    results.write(output, environment)
    stem = os.path.splitext(output)[0]
    plot(results, 'routes_per_s', 'Routes per second', 'routes/s, logarithmic', f'{stem}-per-second.svg')
    plot(results, 'instructions_per_route', 'Instructions per route', 'instructions of both sides, logarithmic',
         f'{stem}-instructions.svg')
    print(', '.join(f'{key} {value}' for key, value in environment.items()))
    print(f'\n{table(results, results.subjects())}')


if __name__ == '__main__':
    main()
