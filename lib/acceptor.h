/* SPDX-License-Identifier: MIT */
#ifndef KC_ACCEPTOR_H
#define KC_ACCEPTOR_H

#include "types.h"

int kc_acceptor_open(struct kucomms_endpoint *endpoint, const char *name,
		     const struct kucomms_listen_options *options);
void kc_acceptor_close_all(struct kucomms_endpoint *endpoint);

#endif
