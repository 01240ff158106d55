// SPDX-License-Identifier: GPL-2.0-only
/* Until 6.12 a namespace of symbols is named by a token, since then by a string. */
#include <linux/module.h>

MODULE_IMPORT_NS(KUCOMMS_INTERNAL);
