#!/bin/bash
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: python.sh
#
# A Python program that has the library by ctypes, and processes by multiprocessing, which forks: the children do not
# disturb the channel of their parent, and Ctrl-C ends a wait. Writes TAP.

set -eu -o pipefail
cd "$(dirname "$0")/../.."

python=$(command -v python3) || { echo "ok 1 - python # SKIP there is no python3"; exit 0; }
make -s --no-print-directory lib >&2
exec "$python" - build/lib/libkucomms.so <<'PYTHON'
import ctypes
import errno
import gc
import multiprocessing
import os
import signal
import sys
import threading

lib = ctypes.CDLL(os.path.abspath(sys.argv[1]))


class Message(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("control", ctypes.c_uint32), ("type", ctypes.c_uint64),
                ("id", ctypes.c_uint64), ("user", ctypes.c_uint64)]


class Handle:
    """What is closed when nobody refers to it, in whatever process."""

    def __init__(self, close, open_it, *arguments):
        self.pointer = ctypes.c_void_p()
        self.close = close
        err = open_it(*arguments, ctypes.byref(self.pointer))
        if err:
            raise OSError(-err, os.strerror(-err))

    def __del__(self):
        if self.pointer:
            self.close(self.pointer)


def listen(name):
    return Handle(lib.kucomms_listener_close, lib.kucomms_listen, name, None)


def connect(name):
    return Handle(lib.kucomms_channel_close, lib.kucomms_open, name, None)


def accept(listener):
    return Handle(lib.kucomms_channel_close, lambda out: lib.kucomms_accept(listener.pointer, out, -1))


def send(channel, data):
    return lib.kucomms_send(channel.pointer, ctypes.byref(Message(length=len(data))), data, 0, -1)


def receive(channel, timeout_ms):
    message, data = Message(), ctypes.create_string_buffer(64)
    err = lib.kucomms_receive_copy(channel.pointer, ctypes.byref(message), data, ctypes.c_size_t(64), timeout_ms)
    return err or data.raw[:message.length]


def child(here, there):
    assert send(here, b"x") == -errno.ESTALE
    assert receive(there, -1) == -errno.ESTALE
    del here, there
    gc.collect()


def children_leave_the_channel_alone():
    listener = listen(b"local:python")
    here = connect(b"local:python")
    there = accept(listener)
    context = multiprocessing.get_context("fork")
    assert send(here, b"before") == 0
    for _ in range(3):
        process = context.Process(target=child, args=(here, there))
        process.start()
        process.join()
        assert process.exitcode == 0, process.exitcode
    assert receive(there, -1) == b"before"
    assert send(there, b"after") == 0
    assert receive(here, -1) == b"after"


def ctrl_c_ends_a_wait():
    listener = listen(b"local:python")
    here = connect(b"local:python")
    over = threading.Event()

    # Once more if it came before the wait had begun.
    def interrupt():
        while not over.wait(0.02):
            os.kill(os.getpid(), signal.SIGINT)

    seen = []
    signal.signal(signal.SIGINT, lambda *_: seen.append(True))
    thread = threading.Thread(target=interrupt)
    thread.start()
    result = receive(here, -1)
    over.set()
    thread.join()
    assert result == -errno.EINTR, result
    assert seen


tests = [children_leave_the_channel_alone, ctrl_c_ends_a_wait]
print("1..%d" % len(tests))
failed = 0
for number, test in enumerate(tests, 1):
    sys.stdout.flush()
    try:
        test()
        print("ok %d - %s" % (number, test.__name__))
    except Exception as error:
        failed += 1
        print("# %r" % error)
        print("not ok %d - %s" % (number, test.__name__))
sys.exit(1 if failed else 0)
PYTHON
