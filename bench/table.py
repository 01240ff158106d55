# SPDX-License-Identifier: GPL-2.0-only
"""The results as tables of text."""

SIZES = (64, 1024, 65536)
BATCHES = (1, 16, 64)
SIZE_NAMES = {64: '64 B', 1024: '1 KiB', 65536: '64 KiB'}


def rate(value):
    if value is None:
        return '-'
    for unit, name in ((1e6, ' M'), (1e3, ' k')):
        if value >= unit:
            return f'{value / unit:.3g}{name}' if value < 1000 * unit else f'{value / unit:.0f}{name}'
    return f'{value:.3g}'


def microseconds(value):
    return '-' if value is None else f'{value / 1000:.1f}'


def count(value):
    return '-' if value is None else f'{value:.0f}'


def exact(value):
    if value is None:
        return '-'
    return f'{value:.4f}'.rstrip('0').rstrip('.') or '0'


def aligned(rows):
    """Lines of text: the first column to the left, all others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        yield '  '.join(cells).rstrip()


def grid(results, title, columns):
    """columns: (heading, metric, direction, size, batch, formatter). Subjects without any value are left out."""
    rows = [[title] + [column[0] for column in columns]]
    for subject in results.subjects():
        cells = [form(results.value(subject, *where)) for _, *where, form in columns]
        if any(cell != '-' for cell in cells):
            rows.append([subject] + cells)
    return list(aligned(rows)) if len(rows) > 1 else []


def round_trips(results):
    columns = []
    for size in SIZES:
        name = SIZE_NAMES[size]
        columns.append((f'{name}: µs', 'rtt_ns', 'echo', size, 1, microseconds))
        columns.append(('instr.', 'instructions_per_message', 'echo', size, 1, count))
    columns.append(('syscalls', 'syscalls_per_message', 'echo', 64, 1, exact))
    columns.append(('wake-ups', 'wakeups_per_message', 'echo', 64, 1, exact))
    return grid(results, 'there and back, one at a time', columns)


def one_way(results, direction, size, title):
    columns = []
    for batch in BATCHES:
        columns.append((f'batch {batch}: /s', 'messages_per_s', direction, size, batch, rate))
        columns.append(('instr.', 'instructions_per_message', direction, size, batch, count))
        columns.append(('syscalls', 'syscalls_per_message', direction, size, batch, exact))
    columns.append(('wake-ups', 'wakeups_per_message', direction, size, BATCHES[0], exact))
    return grid(results, f'{title}, {SIZE_NAMES[size]}', columns)


def channels(results):
    rows = [('channels on one device', 'attach: µs', 'instr.', 'echo: µs', 'instr.', 'bytes of each')]
    for number, row in results.channels.items():
        rows.append((str(number), microseconds(row.get('attach_ns')), count(row.get('attach_instructions')),
                     microseconds(row.get('echo_ns')), count(row.get('echo_instructions')),
                     count(row['bytes_per_channel'])))
    return list(aligned(rows)) if len(rows) > 1 else []


def tables(results):
    blocks = [round_trips(results)]
    for direction, title in (('to-kernel', 'to the kernel'), ('to-user', 'to the user'), ('echo', 'there and back')):
        blocks += [one_way(results, direction, size, title) for size in SIZES]
    blocks.append(channels(results))
    return '\n\n'.join('\n'.join(block) for block in blocks if block)
