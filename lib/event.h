/* SPDX-License-Identifier: MIT */
#ifndef KC_EVENT_H
#define KC_EVENT_H

#include "types.h"

int kc_event_watch(struct kucomms_endpoint *endpoint, int fd,
		   __u32 events, struct kc_event_source *source);
void kc_event_unwatch(const struct kucomms_endpoint *endpoint, int fd);
void kc_event_wake(const struct kucomms_endpoint *endpoint);
bool kc_event_is_own_thread(const struct kucomms_endpoint *endpoint);

#endif
