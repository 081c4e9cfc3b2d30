#include <inttypes.h>
#include <stdlib.h>

#include "tests/sim/plant_client.h"

/* Operations as Jepsen writes them: jepsen/core/README.md has the forms. */

static void put_found(const struct plant_client *c, struct weft_buffer *out)
{
    if (weft_buffer_append(out, c->op.found.data, c->op.found.size) != WEFT_OK) {
        abort();
    }
}

static void put_txn(const struct plant_client *c, bool is_done, struct weft_buffer *out)
{
    const struct plant_op *op = &c->op;
    plant_put(out, "[");
    if (is_done) {
        put_found(c, out);
    }
    for (uint32_t i = 0; i < op->read_count && !is_done; i++) {
        plant_put(out, "%s[:r %" PRIu64 " nil]", i > 0 ? " " : "", op->keys[i]);
    }
    for (uint32_t i = 0; i < op->append_count; i++) {
        plant_put(out, "%s[:append %" PRIu64 " %" PRId64 "]",
            i > 0 || op->read_count > 0 ? " " : "", op->keys[i], op->values[i]);
    }
    plant_put(out, "]");
}

static void put_parts(const struct plant_op *op, struct weft_buffer *out)
{
    plant_put(out, "[%" PRIu64 " [", op->keys[0]);
    for (uint32_t i = 0; i < op->key_count; i++) {
        plant_put(out, "%s%" PRId64, i > 0 ? " " : "", op->values[i]);
    }
    plant_put(out, "]]");
}

void plant_op_invoked(const struct plant_client *c, struct weft_buffer *out)
{
    const struct plant_op *op = &c->op;
    switch (op->type) {
    case OP_READ:
    case OP_TRACE:
        plant_put(out, "[%" PRIu64 " nil]", op->keys[0]);
        return;
    case OP_WRITE:
        plant_put(out, "[%" PRIu64 " %" PRId64 "]", op->keys[0], op->values[0]);
        return;
    case OP_CAS:
        plant_put(
            out, "[%" PRIu64 " [%" PRId64 " %" PRId64 "]]", op->keys[0], op->old, op->values[0]);
        return;
    case OP_TXN:
        put_txn(c, false, out);
        return;
    case OP_ADD:
    case OP_EVENT:
        plant_put(out, "%" PRId64, op->values[0]);
        return;
    case OP_TRANSFER:
        plant_put(out, "{:from %" PRIu64 ", :to %" PRIu64 ", :amount %" PRId64 "}", op->keys[0],
            op->keys[1], op->old);
        return;
    case OP_ASSEMBLE:
        put_parts(op, out);
        return;
    case OP_WATCH:
        plant_put(out, "{:from %" PRIu64 "}", op->keys[0]);
        return;
    case OP_AS_OF:
        plant_put(out, "[%" PRIu64 " %" PRIu64 " nil]", op->keys[0], op->keys[1]);
        return;
    case OP_SET_READ:
    case OP_BANK_READ:
    case OP_DIGEST:
    case OP_SETUP:
    case OP_TRACE_FORWARD:
    case OP_STALE:
    case OP_PROBE:
        plant_put(out, "nil");
        return;
    }
}

void plant_op_completed(const struct plant_client *c, struct weft_buffer *out)
{
    const struct plant_op *op = &c->op;
    switch (op->type) {
    case OP_READ:
        plant_put(out, "[%" PRIu64 " ", op->keys[0]);
        put_found(c, out);
        plant_put(out, "]");
        return;
    case OP_AS_OF:
        plant_put(out, "[%" PRIu64 " %" PRIu64 " ", op->keys[0], op->keys[1]);
        put_found(c, out);
        plant_put(out, "]");
        return;
    case OP_TXN:
        put_txn(c, true, out);
        return;
    case OP_SET_READ:
        plant_put(out, "#{");
        put_found(c, out);
        plant_put(out, "}");
        return;
    case OP_BANK_READ:
    case OP_DIGEST:
        plant_put(out, "{");
        put_found(c, out);
        plant_put(out, "}");
        return;
    case OP_TRACE:
        plant_put(out, "[%" PRIu64 " [", op->keys[0]);
        put_found(c, out);
        plant_put(out, "]]");
        return;
    case OP_EVENT:
        plant_put(out, "[%" PRIu64 " %" PRId64 "]", op->index, op->values[0]);
        return;
    case OP_WATCH:
        plant_put(out, "{:from %" PRIu64 ", :events [", op->keys[0]);
        put_found(c, out);
        plant_put(out, "%s]}", op->has_found ? "]]" : "");
        return;
    case OP_WRITE:
    case OP_CAS:
    case OP_ADD:
    case OP_TRANSFER:
    case OP_ASSEMBLE:
    case OP_SETUP:
    case OP_TRACE_FORWARD:
    case OP_STALE:
    case OP_PROBE:
        plant_op_invoked(c, out);
        return;
    }
}
