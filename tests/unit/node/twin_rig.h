/* tests/unit/node/twin_rig.h: commits as JSON, twins as JSON: a state to ask about designs. */
#ifndef WEFT_TESTS_UNIT_NODE_TWIN_RIG_H
#define WEFT_TESTS_UNIT_NODE_TWIN_RIG_H

#include "proto/json.h"
#include "tests/unit/node/state_fixture.h"

struct rig {
    struct fixture f;
    struct weft_arena arena;      /* Of the answer at hand. */
    struct weft_buffer json;      /* Its text. */
    const struct weft_json *root; /* Its tree. */
};

void rig_open(struct rig *r);
void rig_close(struct rig *r);

/* One commit of the records, one JSON object a line. Its error. */
enum weft_err rig_try(struct rig *r, const char *lines);
/* The same, which has to be accepted; its index. */
uint64_t rig_put(struct rig *r, const char *lines);
/* The same, which has to be refused so, at this pointer. */
void rig_refuse(struct rig *r, enum weft_err err, const char *pointer, const char *lines);

/* Ask; the answer in r->root. */
enum weft_err rig_ask(struct rig *r, const struct weft_query *query);
/* TWIN of an asset that is there, as of an index (0: now). */
void rig_twin(struct rig *r, const char *asset, uint64_t as_of);

/* What stands at an RFC 6901 pointer in the answer, as text: "configuration/designed/revision".
 * "" if there is none. Arrays and objects give the number of their members, as "#3". Valid until
 * the next call but three. */
const char *rig_get(const struct rig *r, const char *pointer);

#endif
