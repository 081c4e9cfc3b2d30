/* ops/weft/offline.h: work on the data of a stopped node, done by weftd itself: only node/ may
 * open a log or a state. */
#ifndef WEFT_OPS_OFFLINE_H
#define WEFT_OPS_OFFLINE_H

#include "ops/weft/command.h"

/* Replace this process by the weftd beside it, or else the one in PATH, with `arguments` (NULL
 * at the end). Returns only if there is none. */
enum weft_exit weft_offline_run(const char *const *arguments);

#endif
