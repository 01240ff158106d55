// SPDX-License-Identifier: GPL-2.0-only
// SPDX-FileCopyrightText: The kucomms authors
/*
 * Each shared word is read once, and nothing of one's own is read back. Shared
 * pages are inaccessible here: every access traps, is counted as a read or as
 * a write of its word, is let through for one instruction (the processor's
 * trap flag), and the page is closed again. This needs x86-64.
 */
#include "rings.h"

#include <signal.h>
#include <ucontext.h>

#define RING_SIZE	4096u

#if defined(__x86_64__)

#define TRAP_FLAG	0x100
#define FAULT_IS_WRITE	0x2

/* What is watched, and what has been seen of each of its words. */
static struct ring watched;
static unsigned char data_reads[RING_SIZE / 4], data_writes[RING_SIZE / 4];
static unsigned char own_reads, peer_reads;
static struct kucomms_control *own;

static void protect_all(int protection)
{
	must(!mprotect(watched.data, 2 * RING_SIZE, protection) &&
	     !mprotect(watched.producer_page, PAGE, protection) &&
	     !mprotect(watched.consumer_page, PAGE, protection),
	     "mprotect: cannot watch the ring");
}

static bool in_page(const void *address, const void *page)
{
	return (uintptr_t)address / PAGE == (uintptr_t)page / PAGE;
}

static void on_access(int number, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	bool write = registers[REG_ERR] & FAULT_IS_WRITE;
	size_t offset = (size_t)((unsigned char *)info->si_addr - watched.data);

	if (offset >= 2 * RING_SIZE &&
	    !in_page(info->si_addr, watched.producer_page) &&
	    !in_page(info->si_addr, watched.consumer_page)) {
		/* Nothing that is watched: happens again, and kills. */
		signal(number, SIG_DFL);
		return;
	}
	if (offset < 2 * RING_SIZE)
		(write ? data_writes : data_reads)[offset % RING_SIZE / 4]++;
	else if (!write)
		*(in_page(info->si_addr, own) ? &own_reads : &peer_reads) += 1;
	protect_all(PROT_READ | PROT_WRITE);
	registers[REG_EFL] |= TRAP_FLAG;
}

static void after_access(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	protect_all(PROT_NONE);
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void watch(struct kucomms_control *page)
{
	struct sigaction access = { .sa_sigaction = on_access,
				    .sa_flags = SA_SIGINFO };
	struct sigaction after = { .sa_sigaction = after_access,
				   .sa_flags = SA_SIGINFO };

	must(!sigaction(SIGSEGV, &access, NULL) &&
	     !sigaction(SIGTRAP, &after, NULL), "sigaction: cannot watch");
	memset(data_reads, 0, sizeof(data_reads));
	memset(data_writes, 0, sizeof(data_writes));
	own_reads = 0;
	peer_reads = 0;
	own = page;
	protect_all(PROT_NONE);
}

static void unwatch(void)
{
	protect_all(PROT_READ | PROT_WRITE);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
}

static unsigned int sum(const unsigned char *counts, size_t n)
{
	unsigned int total = 0;

	while (n--)
		total += counts[n];
	return total;
}

static void a_receive_reads_each_word_of_the_header_once(void **state)
{
	struct kucomms_message message = { 0 };
	const void *data = NULL;
	int ret;

	(void)state;
	ring_open(&watched, RING_SIZE);
	assert_int_equal(ring_send(&watched, 1, 100), 0);
	watch(watched.consumer_page);
	ret = kucomms_consumer_receive(&watched.consumer, &message, &data);
	unwatch();

	assert_int_equal(ret, 1);
	assert_int_equal(data_reads[0], 1);
	assert_int_equal(data_reads[1], 1);
	assert_int_equal(data_reads[2] + data_reads[3], 1);
	assert_int_equal(data_reads[4] + data_reads[5], 1);
	assert_int_equal(data_reads[6] + data_reads[7], 1);
	assert_int_equal(sum(data_reads, RING_SIZE / 4), 5);
	assert_int_equal(sum(data_writes, RING_SIZE / 4), 0);
	assert_int_equal(own_reads + peer_reads, 0);
	ring_close(&watched);
}

static void an_idle_receive_reads_one_word(void **state)
{
	int ret;

	(void)state;
	ring_open(&watched, RING_SIZE);
	watch(watched.consumer_page);
	ret = ring_receive(&watched);
	unwatch();

	assert_int_equal(ret, 0);
	assert_int_equal(data_reads[1], 1);
	assert_int_equal(sum(data_reads, RING_SIZE / 4), 1);
	assert_int_equal(own_reads + peer_reads, 0);
	ring_close(&watched);
}

static void a_consumer_reads_need_room_once_and_nothing_of_its_own(void **state)
{
	bool ring;

	(void)state;
	ring_open(&watched, RING_SIZE);
	assert_int_equal(ring_send(&watched, 1, 1000), 0);
	ring_expect(&watched, 1, 1000);
	watched.producer_page->need_room = 32 | KUCOMMS_NEED;
	watch(watched.consumer_page);
	kucomms_consumer_release(&watched.consumer);
	kucomms_consumer_tell(&watched.consumer);
	ring = kucomms_consumer_must_ring(&watched.consumer);
	kucomms_consumer_arm(&watched.consumer);
	kucomms_consumer_disarm(&watched.consumer);
	unwatch();

	assert_true(ring);
	assert_int_equal(peer_reads, 1);
	assert_int_equal(own_reads, 0);
	assert_int_equal(sum(data_reads, RING_SIZE / 4), 0);
	assert_int_equal(sum(data_writes, RING_SIZE / 4), 0);
	ring_close(&watched);
}

static void a_producer_with_room_reads_nothing_and_writes_two_words(void **state)
{
	struct kucomms_message *record = NULL;
	int err;

	(void)state;
	ring_open(&watched, RING_SIZE);
	watch(watched.producer_page);
	err = kucomms_producer_reserve(&watched.producer, 100, &record);
	unwatch();

	assert_int_equal(err, 0);
	assert_int_equal(data_writes[0], 1);
	assert_int_equal(data_writes[160 / 4 + 1], 1);
	assert_int_equal(sum(data_writes, RING_SIZE / 4), 2);
	assert_int_equal(sum(data_reads, RING_SIZE / 4), 0);
	assert_int_equal(own_reads + peer_reads, 0);
	ring_close(&watched);
}

static void a_producer_publishes_and_asks_with_one_access_each(void **state)
{
	struct kucomms_message *record;

	(void)state;
	ring_open(&watched, RING_SIZE);
	record = ring_reserve(&watched, 100);
	watch(watched.producer_page);
	kucomms_producer_commit(&watched.producer, record,
				KUCOMMS_CONTROL_MESSAGE, false);
	kucomms_producer_must_ring(&watched.producer);
	unwatch();

	assert_int_equal(data_writes[1], 1);
	assert_int_equal(sum(data_writes, RING_SIZE / 4), 1);
	assert_int_equal(sum(data_reads, RING_SIZE / 4), 0);
	assert_int_equal(peer_reads, 1);
	assert_int_equal(own_reads, 0);
	ring_close(&watched);
}

static void a_producer_without_room_reads_the_position_once(void **state)
{
	struct kucomms_message *record = NULL;
	int err;

	(void)state;
	ring_open(&watched, RING_SIZE);
	assert_int_equal(ring_send(&watched, 1, 4000), 0);
	watch(watched.producer_page);
	err = kucomms_producer_reserve(&watched.producer, 100, &record);
	kucomms_producer_arm(&watched.producer, 100);
	kucomms_producer_disarm(&watched.producer);
	unwatch();

	assert_int_equal(err, -EAGAIN);
	assert_int_equal(peer_reads, 1);
	assert_int_equal(own_reads, 0);
	assert_int_equal(sum(data_reads, RING_SIZE / 4), 0);
	assert_int_equal(sum(data_writes, RING_SIZE / 4), 0);
	ring_close(&watched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receive_reads_each_word_of_the_header_once),
		cmocka_unit_test(an_idle_receive_reads_one_word),
		cmocka_unit_test(a_consumer_reads_need_room_once_and_nothing_of_its_own),
		cmocka_unit_test(a_producer_with_room_reads_nothing_and_writes_two_words),
		cmocka_unit_test(a_producer_publishes_and_asks_with_one_access_each),
		cmocka_unit_test(a_producer_without_room_reads_the_position_once),
	};

	return cmocka_run_group_tests_name("ring-fetch", tests, NULL, NULL);
}

#else

int main(void)
{
	puts("ring-fetch: skipped: counting accesses needs x86-64");
	return 0;
}

#endif
