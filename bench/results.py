# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmark has measured: rows, found by what they are of."""

import json

# Of a ping-pong of two that sleep the counts depend on time if there are two processors; with one they do not.
SLEEPERS = {'kucomms-thread', 'eventfd', 'futex'}
COUNTS = {'syscalls_per_message', 'wakeups_per_message'}
KEY = ('subject', 'metric', 'direction', 'size', 'batch')


class Results:
    def __init__(self):
        self.rows = {}
        self.skipped = {}
        self.facts = {}
        self.channels = {}
        self.idle = []

    def load(self, path, instructions):
        """Adds the lines that one run of `bench` has written."""
        with open(path, encoding='utf-8') as lines:
            for line in lines:
                self.add(json.loads(line), instructions)

    def add(self, line, instructions):
        if 'metric' in line:
            self.add_row(line, instructions)
        elif 'skipped' in line:
            self.skipped[line['skipped']] = line['reason']
        elif 'channels' in line:
            self.channels.setdefault(line['channels'], {}).update(line)
        elif 'idle_channels' in line:
            self.idle.append(line)
        else:
            self.facts.update(line)

    def add_row(self, row, instructions):
        key = tuple(row[name] for name in KEY)
        old = self.rows.get(key)
        if old and row['metric'] == 'messages_lost':
            # Lost in either run is lost.
            for name in ('median', 'min', 'max'):
                row[name] += old[name]
            row['samples'] += old['samples']
        elif old and row['metric'] in COUNTS and instructions != (row['subject'] in SLEEPERS and
                                                                  row['direction'] == 'echo'):
            return
        self.rows[key] = row

    def value(self, subject, metric, direction, size, batch, which='median'):
        """None if it was not measured."""
        row = self.rows.get((subject, metric, direction, size, batch))
        return row[which] if row else None

    def of(self, metric, direction, size, batch):
        """(subject, median) of all that have this metric, in the order in which they were measured."""
        return [(key[0], row['median']) for key, row in self.rows.items() if key[1:] == (metric, direction, size, batch)]

    def subjects(self):
        return list(dict.fromkeys(key[0] for key in self.rows))

    def lost(self):
        return sum(row['median'] for key, row in self.rows.items() if key[1] == 'messages_lost')

    def write(self, path, environment):
        document = {
            'environment': environment,
            'skipped': [{'subject': subject, 'reason': why} for subject, why in self.skipped.items()],
            'channels': list(self.channels.values()),
            'idle': self.idle,
            'results': list(self.rows.values()),
        }
        with open(path, 'w', encoding='utf-8') as file:
            json.dump(document, file, indent=1)
            file.write('\n')

    @classmethod
    def read(cls, path):
        """What write() has written."""
        results = cls()
        with open(path, encoding='utf-8') as file:
            document = json.load(file)
        for row in document['results']:
            results.rows[tuple(row[name] for name in KEY)] = row
        for line in document['channels'] + document['idle']:
            results.add(line, False)
        results.skipped = {each['subject']: each['reason'] for each in document['skipped']}
        return results
