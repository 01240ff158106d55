/* SPDX-License-Identifier: MIT */
#ifndef KUCOMMS_LIB_NAME_H
#define KUCOMMS_LIB_NAME_H

#include <stddef.h>

struct kucomms_transport;

const struct kucomms_transport *kucomms_name_transport(const char *name);
int kucomms_name_path(char *path, size_t capacity, const char *name);
int kucomms_name_listen_path(char *path, size_t capacity, const char *name);

#endif
