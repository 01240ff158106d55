// SPDX-License-Identifier: MIT
/*
 * The functions that C and C++ have inline, for all other languages.
 */
struct kucomms_channel;
struct kucomms_message;

int kucomms_reserve(struct kucomms_channel *channel, unsigned int length,
		    struct kucomms_message **record, int timeout_ms);
int kucomms_commit(struct kucomms_channel *channel,
		   struct kucomms_message *record, unsigned int flags);
int kucomms_receive(struct kucomms_channel *channel,
		    struct kucomms_message *message, const void **data,
		    int timeout_ms);
void kucomms_release(struct kucomms_channel *channel);

#define KUCOMMS_SCOPE __attribute__((visibility("default")))
#include <kucomms/kucomms.h>
