// SPDX-License-Identifier: MIT
/*
 * Names and numbers of network interfaces.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "interface.h"

/* Slots of the cache; an entry replaces the one in its slot. */
#define SLOTS	256

struct interface {
	__u32 number;
	char name[IF_NAMESIZE];
};

/* Slots whose number is 0 are free. */
static struct interface by_name[SLOTS], by_number[SLOTS];

static struct interface *name_slot(const char *name)
{
	__u32 hash = 0;

	while (*name)
		hash = hash * 31 + (unsigned char)*name++;
	return &by_name[hash % SLOTS];
}

__u32 interface_number(const char *name)
{
	struct interface *slot = name_slot(name);
	__u32 number;

	if (slot->number && !strcmp(slot->name, name))
		return slot->number;
	number = if_nametoindex(name);
	if (number) {
		slot->number = number;
		snprintf(slot->name, sizeof(slot->name), "%s", name);
	}
	return number;
}

void interface_forget_names(void)
{
	memset(by_name, 0, sizeof(by_name));
}

const char *interface_name(__u32 number)
{
	struct interface *slot = &by_number[number % SLOTS];

	if (slot->number != number) {
		slot->number = number;
		if (!if_indextoname(number, slot->name))
			snprintf(slot->name, sizeof(slot->name), "%u", number);
	}
	return slot->name;
}

void interface_forget_numbers(void)
{
	memset(by_number, 0, sizeof(by_number));
}
