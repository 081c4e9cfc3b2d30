/* tests/unit/node/stream_again.h: statements that a site tells again and again. */
#ifndef WEFT_TESTS_UNIT_NODE_STREAM_AGAIN_H
#define WEFT_TESTS_UNIT_NODE_STREAM_AGAIN_H

#include "tests/unit/node/stream_rig.h"

/* That leaf of its stream so many times more behind the last one, as no honest site does. */
void rig_tell_again(struct rig_site *site, uint64_t sequence, int times);

#endif
