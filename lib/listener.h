/* SPDX-License-Identifier: MIT */
#ifndef KC_LISTENER_H
#define KC_LISTENER_H

#include "types.h"

int kc_listener_accept(struct kucomms_listener *listener,
		       struct kc_conn **conn);
int kc_listener_answer(struct kc_conn *conn, int status);

/* process-listener.c */
int kc_process_listen(struct kucomms_listener *listener);
int kc_process_accept(struct kucomms_listener *listener,
		      struct kc_conn **conn);
int kc_process_answer(struct kc_conn *conn, int status);
void kc_process_unlisten(struct kucomms_listener *listener);

/* local.c */
int kc_local_listen(struct kucomms_listener *listener);
int kc_local_accept(struct kucomms_listener *listener,
		    struct kc_conn **conn);
void kc_local_unlisten(struct kucomms_listener *listener);

#endif
