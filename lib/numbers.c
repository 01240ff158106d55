// SPDX-License-Identifier: MIT
/*
 * Numbers: each channel of a listener has one that no other has at the same
 * time, lowest first.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"

#define FIRST_SIZE	64u
#define NUMBERS_MAX	65536u

/**
 * struct kc_numbers - which numbers are taken
 * @users: references: one for the listener, one for every number taken; atomic
 * @lock:  protects the rest, since channels are closed in any thread
 * @limit: how many there may be
 * @size:  of @taken
 * @taken: by number
 */
struct kc_numbers {
	unsigned int users;
	pthread_mutex_t lock;
	unsigned int limit;
	unsigned int size;
	bool *taken;
};

struct kc_numbers *kc_numbers_create(unsigned int limit)
{
	struct kc_numbers *numbers = calloc(1, sizeof(*numbers));

	if (!numbers)
		return NULL;
	pthread_mutex_init(&numbers->lock, NULL);
	numbers->users = 1;
	numbers->limit = limit && limit < NUMBERS_MAX ? limit :
							      NUMBERS_MAX;
	return numbers;
}

static int numbers_grow(struct kc_numbers *numbers, unsigned int number)
{
	unsigned int size = numbers->size ? numbers->size : FIRST_SIZE;
	bool *taken;

	while (size <= number)
		size *= 2;
	taken = realloc(numbers->taken, size * sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	memset(taken + numbers->size, 0, size - numbers->size);
	numbers->taken = taken;
	numbers->size = size;
	return 0;
}

static unsigned int numbers_lowest(const struct kc_numbers *numbers)
{
	unsigned int number = 0;

	while (number < numbers->size && numbers->taken[number])
		number++;
	return number;
}

static int numbers_take_locked(struct kc_numbers *numbers, bool wanted,
			       unsigned int *number)
{
	if (!wanted)
		*number = numbers_lowest(numbers);
	if (*number >= numbers->limit)
		return wanted ? -EINVAL : -EUSERS;
	if (*number >= numbers->size && numbers_grow(numbers, *number))
		return -ENOMEM;
	if (numbers->taken[*number])
		return -EADDRINUSE;
	numbers->taken[*number] = true;
	__atomic_fetch_add(&numbers->users, 1, __ATOMIC_RELAXED);
	return 0;
}

/* Takes the number in *@number, or if not @wanted the lowest free one. */
int kc_numbers_take(struct kc_numbers *numbers, bool wanted,
		    unsigned int *number)
{
	int err;

	pthread_mutex_lock(&numbers->lock);
	err = numbers_take_locked(numbers, wanted, number);
	pthread_mutex_unlock(&numbers->lock);
	return err;
}

/*
 * Gives back a reference. Takes no lock, since in a child a thread of the
 * parent may have held it.
 */
void kc_numbers_put(struct kc_numbers *numbers)
{
	if (!numbers ||
	    __atomic_fetch_sub(&numbers->users, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	free(numbers->taken);
	free(numbers);
}

void kc_numbers_give(struct kc_numbers *numbers, unsigned int number)
{
	if (!numbers)
		return;
	pthread_mutex_lock(&numbers->lock);
	numbers->taken[number] = false;
	pthread_mutex_unlock(&numbers->lock);
	kc_numbers_put(numbers);
}
