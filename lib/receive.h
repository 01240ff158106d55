/* SPDX-License-Identifier: MIT */
#ifndef KC_RECEIVE_H
#define KC_RECEIVE_H

#include "types.h"

void kc_conn_give_back(struct kc_conn *conn);
void kc_conn_arm(struct kc_conn *conn);
void kc_conn_disarm(struct kc_conn *conn);
void kc_conn_publish_room(struct kc_conn *conn, bool told);

#endif
