/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_LISTENER_H
#define KUCOMMS_LIB_LISTENER_H

#include "types.h"

int kucomms_listener_take(struct kucomms_listener *listener,
			  struct kc_conn **conn);
int kucomms_listener_answer(struct kc_conn *conn, int status);

/* process-listener.c */
int kucomms_process_listen(struct kucomms_listener *listener);
int kucomms_process_take(struct kucomms_listener *listener,
			 struct kc_conn **conn);
int kucomms_process_answer(struct kc_conn *conn, int status);
void kucomms_process_unlisten(struct kucomms_listener *listener);

/* local.c */
int kucomms_local_listen(struct kucomms_listener *listener);
int kucomms_local_take(struct kucomms_listener *listener,
		       struct kc_conn **conn);
void kucomms_local_unlisten(struct kucomms_listener *listener);

#endif
