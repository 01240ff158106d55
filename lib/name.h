/* SPDX-License-Identifier: MIT */
#ifndef KC_NAME_H
#define KC_NAME_H

#include <stddef.h>

struct kc_transport;

const struct kc_transport *kc_name_transport(const char *name);
int kc_name_path(char *path, size_t capacity, const char *name);
int kc_name_listen_path(char *path, size_t capacity, const char *name);

#endif
