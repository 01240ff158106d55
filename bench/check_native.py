# SPDX-License-Identifier: GPL-2.0-only
"""What must be true of any benchmark of user space: every row is there, and no message was lost."""

SIZES = (24, 64, 1024)
# (direction, size, batch)
STREAMS = [('one-way', 64, 1), ('one-way', 1024, 1)]
BATCHES = [('one-way', 64, batch) for batch in (16, 32, 64)] + [('one-way', 1024, 32)]
BURSTS = [('one-way', 64, 32), ('one-way', 1024, 32)]
BY_CALL = [('one-way-by-call', 64, 1), ('one-way-by-call', 64, 32)]
IN_PLACE = [('one-way-in-place', 64, 1), ('one-way-in-place', 1024, 1)]
ECHOES = [('echo', size, 1) for size in SIZES]
ASLEEP = [('echo-asleep', 64, 1), ('echo-one-cpu', 64, 1)]

KERNEL = STREAMS + ECHOES + ASLEEP
BUSY = STREAMS + ECHOES
CELLS = {
    'kucomms-process': KERNEL + BATCHES + BY_CALL + IN_PLACE,
    'kucomms-local': KERNEL + BATCHES + BY_CALL + IN_PLACE,
    'kucomms-process-full': [('one-way', 64, 1)],
    'kucomms-local-full': [('one-way', 64, 1)],
    'pipe': KERNEL,
    'unix-seqpacket': KERNEL,
    'posix-mq': KERNEL,
    'zeromq-ipc': KERNEL,
    'ck_ring': BUSY,
    'boost-spsc': BUSY,
    'dpdk-rte_ring': BUSY + BURSTS,
    'crude-ring': BUSY + BATCHES + IN_PLACE,
    'cache-line': [('echo', 24, 1)],
    'eventfd': ASLEEP,
    'futex': ASLEEP,
}
COUNTED = {'kucomms-process', 'kucomms-local', 'ck_ring', 'boost-spsc', 'dpdk-rte_ring', 'crude-ring'}
# Threads of its own make its system calls.
NOT_KNOWN = {'zeromq-ipc'}


def rows(subject):
    for direction, size, batch in CELLS[subject]:
        yield 'rtt_ns' if direction.startswith('echo') else 'messages_per_s', direction, size, batch
        yield 'wakeups_per_message', direction, size, batch
        yield 'messages_lost', direction, size, batch
        if subject not in NOT_KNOWN:
            yield 'syscalls_per_message', direction, size, batch


def check_native(results, tap):
    for subject in CELLS:
        what = f'{subject}: every row is there'
        why = results.skipped.get('all') or results.skipped.get(subject)
        if why:
            tap.point(True, what, skip=why)
            continue
        gaps = [' '.join(map(str, row)) for row in rows(subject) if results.value(subject, *row) is None]
        tap.point(not gaps, what, f"missing: {', '.join(gaps[:5])}")
        if subject not in COUNTED:
            continue
        what = f'{subject}: its instructions are counted'
        skip = results.skipped.get('instructions', '')
        value = results.value(subject, 'instructions_per_message', 'one-way', 64, 1)
        tap.point(bool(skip or value), what, skip=skip)
    tap.point(results.lost() == 0, 'no message was lost in user space', f'{results.lost()} were')
