#include "jepsen/check/span.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALUE_SHOWN_BYTES = 200 /* chosen: two lines of a report */
};

size_t jep_spans(const struct jep_history *history, struct jep_span **ret_calls)
{
    size_t count = 0;
    struct jep_span *calls = jep_alloc(history->count, sizeof(*calls));
    for (size_t i = 0; i < history->count; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->type != JEP_INVOKE || op->process == JEP_NEMESIS) {
            continue;
        }
        const struct jep_op *end =
            history->pairs[i] != JEP_UNPAIRED ? &history->ops[history->pairs[i]] : NULL;
        enum jep_op_type type = end != NULL ? end->type : JEP_INFO;
        calls[count++] = (struct jep_span){.invoke = op,
            .end = end,
            .type = type,
            .value = type == JEP_OK ? &end->value : &op->value};
    }
    *ret_calls = calls;
    return count;
}

bool jep_span_is(const struct jep_span *call, const char *f)
{
    return strcmp(call->invoke->f, f) == 0;
}

uint32_t jep_span_from(const struct jep_span *call)
{
    return (uint32_t)call->invoke->index;
}

uint32_t jep_span_until(const struct jep_span *call)
{
    return call->type == JEP_INFO ? UINT32_MAX : (uint32_t)call->end->index;
}

bool jep_span_before(const struct jep_span *call, const struct jep_span *other)
{
    return call->type != JEP_INFO && call->end->index < other->invoke->index;
}

const char *jep_span_words(struct jep_arena *arena, const struct jep_span *call)
{
    const char *value = jep_edn_show(arena, call->value, VALUE_SHOWN_BYTES);
    if (call->end == NULL) {
        return jep_arena_format(arena, "process %" PRId64 "'s :%s %s (%" PRIu64 "..)",
            call->invoke->process, call->invoke->f, value, call->invoke->index);
    }
    return jep_arena_format(arena, "process %" PRId64 "'s :%s %s (%" PRIu64 "..%" PRIu64 "%s)",
        call->invoke->process, call->invoke->f, value, call->invoke->index, call->end->index,
        call->type == JEP_INFO   ? ", outcome unknown"
        : call->type == JEP_FAIL ? ", failed"
                                 : "");
}

struct jep_edn jep_op_edn(struct jep_arena *arena, const struct jep_op *op)
{
    struct jep_edn_list map = {0};
    jep_edn_put(&map, "index", jep_edn_int((int64_t)op->index));
    jep_edn_put(&map, "time", jep_edn_int(op->time_ns));
    jep_edn_put(&map, "type", jep_edn_keyword(jep_op_type_name(op->type)));
    jep_edn_put(&map, "process",
        op->process == JEP_NEMESIS ? jep_edn_keyword("nemesis") : jep_edn_int(op->process));
    jep_edn_put(&map, "f", jep_edn_keyword(op->f));
    jep_edn_put(&map, "value", op->value);
    if (op->node != NULL) {
        jep_edn_put(&map, "node", jep_edn_string(op->node));
    }
    return jep_edn_take_map(&map, arena);
}
