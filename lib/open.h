/* SPDX-License-Identifier: MIT */
#ifndef KC_OPEN_H
#define KC_OPEN_H

#include "types.h"

struct kc_conn *kc_conn_clone(const struct kc_conn *conn);
int kc_conn_create(struct kc_conn **conn, const char *name,
		   const struct kucomms_options *options);
int kc_conn_open(struct kc_conn *conn, int timeout_ms, bool place);
int kc_conn_begin(struct kc_conn *conn, __s64 deadline);
int kc_conn_finish(struct kc_conn *conn);
void kc_conn_replace(struct kc_conn *conn, struct kc_conn *fresh);

#endif
