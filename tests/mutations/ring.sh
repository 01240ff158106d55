#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# SPDX-FileCopyrightText: The kucomms authors
#
# Usage: ring.sh
#
# Proves that the tests of the ring can fail: makes one small mistake at a time in a copy of ring.h, and expects that
# one of the test programs finds it. A mistake that no program finds fails this test, and so does one that can no
# longer be made because ring.h has changed: then change it here, too. Writes TAP.

set -eu -o pipefail

cd "$(dirname "$0")/../.."
. tests/tap.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/include/kucomms"
cp include/kucomms/abi.h "$work/include/kucomms/"

patience=${KUCOMMS_TEST_PATIENCE:-900}

# Usage: build PROGRAM [OPTION...]
build() {
	local program=$1
	shift
	"${CC:-gcc}" -I"$work/include" -std=gnu11 "$@" -o "$work/$program" "tests/ring/$program.c" -lcmocka -lpthread
}

passes() {
	timeout "$patience" "$work/$1" >"$work/log" 2>&1
}

# Usage: mutation NAME SED-SCRIPT PROGRAM... - the programs that may find it
mutation() {
	local name=$1 script=$2 program
	shift 2
	sed -E "$script" include/kucomms/ring.h >"$work/include/kucomms/ring.h"
	if cmp -s include/kucomms/ring.h "$work/include/kucomms/ring.h"; then
		verdict 'not ok' "$name: nothing in ring.h matches $script"
		return
	fi
	for program; do
		if ! build "$program" 2>"$work/log"; then
			sed 's/^/# /' "$work/log"
			verdict 'not ok' "$name: the mistake does not compile"
			return
		fi
		if ! passes "$program"; then
			verdict ok "$program finds: $name"
			return
		fi
	done
	verdict 'not ok' "survived $*: $name"
}

# Usage: within FUNCTION SED-COMMAND - only inside of that function
within() {
	echo "/^(static inline [a-z_0-9 ]+ )?\*?$1\(|^static inline .* \*?$1\(/,/^\}/ { $2 }"
}

cp include/kucomms/ring.h "$work/include/kucomms/ring.h"
SECONDS=0
for program in ring hostile fetch threads; do
	build "$program"
	if passes "$program"; then
		verdict ok "$program passes without a mistake"
	else
		sed 's/^/# /' "$work/log"
		verdict 'not ok' "$program passes without a mistake"
	fi
done
# With one, a program may come to a stop. It has if it takes so much longer than all of them take on this machine.
patience=$((20 + 10 * SECONDS))

mutation 'strides are not rounded up' \
	"$(within kucomms_record_after 's/KUCOMMS_RECORD_ALIGN - 1\) &/0) \&/')" ring
mutation 'the next control word has no room of its own' \
	"$(within kucomms_ring_capacity 's/size - KUCOMMS_RECORD_ALIGN/size/')" ring
mutation 'the next control word is not cleared' \
	"$(within kucomms_producer_take '/kucomms_store\(&next/d')" ring
mutation 'this control word is cleared instead of the next' \
	"$(within kucomms_producer_take 's/kucomms_store\(&next->control/kucomms_store(\&record->control/')" ring
mutation 'reserve does not set the length' \
	"$(within kucomms_producer_take '/->length = length/d')" ring
mutation 'the last unit of room is not used' \
	"$(within kucomms_producer_fits 's/<= left/< left/')" ring
mutation 'one unit more than there is is used' \
	"$(within kucomms_producer_fits 's/<= left/<= left + 32/')" ring
mutation 'the producer refuses the longest message' \
	"$(within kucomms_producer_room 's/length > KUCOMMS/length >= KUCOMMS/')" ring
mutation 'the producer hopes for room that can never be' \
	"$(within kucomms_producer_room 's/length > KUCOMMS_LENGTH_MAX\(producer->size\)/0/')" ring
mutation 'a length of the producer overflows' \
	"$(within kucomms_producer_fits 's/\(__u64\)length \+ sizeof\(struct kucomms_message\)/(__u32)(length + sizeof(struct kucomms_message))/')" ring
mutation 'the producer never looks how far the consumer has got' \
	"$(within kucomms_producer_refresh '/producer->end = released/d')" ring
mutation 'the producer believes any position' \
	"$(within kucomms_producer_refresh 's/return -EPROTO/(void)0/')" hostile
mutation 'the producer refuses to be told that all is released' \
	"$(within kucomms_producer_refresh 's/released >$/released >=/')" ring
mutation 'the producer believes a position where no record ends' \
	"$(within kucomms_producer_refresh 's/released % KUCOMMS_RECORD_ALIGN/false/')" hostile
mutation 'positions are compared, not distances' \
	"$(within kucomms_producer_fits 's/producer->end - producer->position/producer->end > producer->position ? producer->end - producer->position : 0/')" ring
mutation 'a batch is published with its first record' \
	"$(within kucomms_producer_commit 's/more \&\& producer/0 \&\& more \&\& producer/')" ring
mutation 'a batch begins with its last record' \
	"$(within kucomms_producer_commit 's/more \&\& producer.*/more) {/')" ring
mutation 'a commit leaves the batch before it behind' \
	"$(within kucomms_producer_commit 's/if \(!more\)/if (0)/')" ring
mutation 'a flush can be repeated' \
	"$(within kucomms_producer_flush '/held_control = KUCOMMS_CONTROL_EMPTY/d')" ring
mutation 'a discarded record that is held back becomes a message' \
	"$(within kucomms_producer_flush 's/producer->held_control\);/KUCOMMS_CONTROL_MESSAGE);/')" ring
mutation 'the producer never rings' \
	"$(within kucomms_producer_is_awaited 's/return .*/return false;/')" ring
mutation 'the producer always rings' \
	"$(within kucomms_producer_is_awaited 's/return .*/return true;/')" ring
mutation 'the producer asks for the wrong position' \
	"$(within kucomms_producer_arm_as 's/kucomms_record_after\(producer->position, length\)/producer->position/')" ring
mutation 'the producer does not say that it waits' \
	"$(within kucomms_producer_arm_as 's/position \| need/position/')" ring
mutation 'the producer waits for ever' \
	"$(within kucomms_producer_disarm '/kucomms_store/d')" ring
mutation 'the consumer takes any length' \
	"$(within kucomms_consumer_covers 's/return .*/return true;/')" hostile
mutation 'a length that the consumer reads overflows' \
	"$(within kucomms_consumer_covers 's/\(__u64\)length \+ sizeof\(struct kucomms_message\)/(__u32)(length + sizeof(struct kucomms_message))/')" hostile
mutation 'the consumer takes one byte more than can be' \
	"$(within kucomms_consumer_covers 's/<= left/<= left + 1/')" hostile
mutation 'the consumer refuses the longest message' \
	"$(within kucomms_consumer_covers 's/<= left/< left/')" ring
mutation 'the consumer follows a producer that overtakes it' \
	"$(within kucomms_consumer_covers 's/consumer->end - consumer->position/kucomms_ring_capacity(consumer->size)/')" hostile
mutation 'the consumer reads the length twice' \
	"$(within kucomms_consumer_receive 's/message->length = length/message->length = kucomms_load(\&record->length)/')" fetch
mutation 'the consumer reads the control word twice' \
	"$(within kucomms_consumer_receive 's/unlikely\(control != KUCOMMS_CONTROL_MESSAGE\)/unlikely(control != KUCOMMS_CONTROL_MESSAGE || kucomms_load(\&record->control) != control)/')" fetch
mutation 'the consumer takes any control word for a message' \
	"$(within kucomms_consumer_receive 's/control != KUCOMMS_CONTROL_MESSAGE/!control/')" ring
mutation 'a record to skip may have any length' \
	"$(within kucomms_consumer_skip 's/!kucomms_consumer_covers\(consumer, length\)/false/')" hostile
mutation 'the consumer skips any control word that it does not know' \
	"$(within kucomms_consumer_skip 's/control != KUCOMMS_CONTROL_DISCARDED/false/')" hostile
mutation 'a message put back is not found again' \
	"$(within kucomms_consumer_unreceive 's/kucomms_record_after\(0, length\)/length/')" ring
mutation 'a wiped record is received again' \
	"$(within kucomms_consumer_wipe '/kucomms_store\(/d')" ring
mutation 'the next record is wiped instead' \
	"$(within kucomms_consumer_wipe 's/mask, position\)/mask, consumer->position)/')" ring
mutation 'the producer is told of each release' \
	"$(within kucomms_consumer_release 's/consumer->share/1/')" ring
mutation 'the producer is told by quarters only' \
	"$(within kucomms_consumer_release 's/consumer->share/consumer->share * 2/')" ring
mutation 'release gives nothing back' \
	"$(within kucomms_consumer_release '/kucomms_store\(&consumer->done/d')" ring
mutation 'tell tells what has not been given back' \
	"$(within kucomms_consumer_tell 's/, consumer->done\)/, consumer->position)/')" ring
mutation 'tell reads its own page back' \
	"$(within kucomms_consumer_tell 's/consumer->released == /consumer->own->position == /')" fetch
mutation 'the consumer never rings' \
	"$(within kucomms_consumer_is_awaited 's/return .*/return false \&\&/')" ring
mutation 'the consumer rings before there is room enough' \
	"$(within kucomms_consumer_has_room 's/return .*/return true;/')" ring
mutation 'the consumer rings one record too late' \
	"$(within kucomms_consumer_has_room 's/>= 0/> 0/')" ring
mutation 'the consumer reads need_room twice' \
	"$(within kucomms_consumer_is_awaited 's/\(need_room \& KUCOMMS_NEED\)/(kucomms_load(\&consumer->remote->need_room) \& 1)/')" fetch
mutation 'the consumer does not say that it waits' \
	"$(within kucomms_consumer_arm_as 's/position \| need/position/')" ring
mutation 'wake-ups are lost: the producer never rings' \
	"$(within kucomms_producer_is_awaited 's/return .*/return false;/')" threads
mutation 'messages get mixed up: the next control word is not cleared' \
	"$(within kucomms_producer_take '/kucomms_store\(&next/d')" threads
done_testing
