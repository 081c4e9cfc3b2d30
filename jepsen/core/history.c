#include "jepsen/core/history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {"invoke", "ok", "fail", "info"};

const char *jep_op_type_name(enum jep_op_type type)
{
    return type_names[type];
}

struct jep_history *jep_history_create(void)
{
    struct jep_history *history = jep_alloc(1, sizeof(*history));
    history->arena = jep_arena_create();
    return history;
}

void jep_history_destroy(struct jep_history *history)
{
    if (history == NULL) {
        return;
    }
    jep_arena_destroy(history->arena);
    free(history->ops);
    free(history->pairs);
    free(history->names);
    free(history);
}

/* A history has a dozen names: looked through in order. */
const char *jep_history_intern(struct jep_history *history, const char *name)
{
    for (size_t i = 0; i < history->names_count; i++) {
        if (strcmp(history->names[i], name) == 0) {
            return history->names[i];
        }
    }
    const char *interned = jep_arena_text(history->arena, name, strlen(name));
    size_t count = history->names_count + 1;
    history->names = jep_realloc(history->names, count, sizeof(*history->names));
    history->names[count - 1] = interned;
    history->names_count = count;
    return interned;
}

void jep_history_add(struct jep_history *history, const struct jep_op *op)
{
    if (history->count == history->capacity) {
        history->capacity = history->capacity > 0 ? history->capacity * 2 : 256;
        history->ops = jep_realloc(history->ops, history->capacity, sizeof(*history->ops));
    }
    struct jep_op *added = &history->ops[history->count];
    *added = *op;
    added->index = history->count++;
    added->f = jep_history_intern(history, op->f);
    added->node = op->node != NULL ? jep_history_intern(history, op->node) : NULL;
}

/* Open invocations and processes that are gone, by process. */
struct processes {
    struct slot {
        int64_t process;
        uint32_t open; /* index of the invocation, or JEP_UNPAIRED */
        bool is_used;
        bool is_gone; /* ended with :info */
    } * slots;
    size_t capacity; /* a power of two, at most half full */
    size_t count;
};

static struct slot *find_slot(struct processes *processes, int64_t process)
{
    size_t mask = processes->capacity - 1;
    size_t at = ((uint64_t)process * 0x9e3779b97f4a7c15u) >> 32 & mask;
    while (processes->slots[at].is_used && processes->slots[at].process != process) {
        at = (at + 1) & mask;
    }
    return &processes->slots[at];
}

static struct slot *get_slot(struct processes *processes, int64_t process)
{
    if (processes->count * 2 >= processes->capacity) {
        struct processes larger = {
            .capacity = processes->capacity > 0 ? processes->capacity * 2 : 64};
        larger.slots = jep_alloc(larger.capacity, sizeof(*larger.slots));
        larger.count = processes->count;
        for (size_t i = 0; i < processes->capacity; i++) {
            if (processes->slots[i].is_used) {
                *find_slot(&larger, processes->slots[i].process) = processes->slots[i];
            }
        }
        free(processes->slots);
        *processes = larger;
    }
    struct slot *slot = find_slot(processes, process);
    if (!slot->is_used) {
        *slot = (struct slot){.process = process, .open = JEP_UNPAIRED, .is_used = true};
        processes->count++;
    }
    return slot;
}

static bool wrong(const struct jep_op *op, struct jep_message *message, const char *why)
{
    return jep_failed(message, "line %" PRIu64 ": process %" PRId64 " :%s :%s: %s", op->index + 1,
        op->process, jep_op_type_name(op->type), op->f, why);
}

static bool check_client(
    struct jep_history *history, struct jep_op *op, struct slot *slot, struct jep_message *message)
{
    uint32_t index = (uint32_t)op->index;
    if (slot->is_gone) {
        return wrong(op, message, "a process that ended with :info comes back");
    }
    if (op->type == JEP_INVOKE) {
        if (slot->open != JEP_UNPAIRED) {
            return wrong(op, message, "its operation before has not ended");
        }
        slot->open = index;
        return true;
    }
    if (slot->open == JEP_UNPAIRED) {
        return wrong(op, message, "ends what was not invoked");
    }
    if (history->ops[slot->open].f != op->f) {
        return wrong(op, message, "ends with another :f than was invoked");
    }
    history->pairs[slot->open] = index;
    history->pairs[index] = slot->open;
    slot->open = JEP_UNPAIRED;
    slot->is_gone = op->type == JEP_INFO;
    return true;
}

bool jep_history_check(struct jep_history *history, struct jep_message *message)
{
    struct processes processes = {0};
    bool good = history->count <= JEP_HISTORY_OPS_MAX ||
                jep_failed(message, "more than %zu operations", JEP_HISTORY_OPS_MAX);
    free(history->pairs);
    history->pairs = jep_alloc(history->count, sizeof(*history->pairs));
    memset(history->pairs, 0xff, history->count * sizeof(*history->pairs));
    for (size_t i = 0; i < history->count && good; i++) {
        struct jep_op *op = &history->ops[i];
        if (op->index != i) {
            good = wrong(op, message, ":index is not dense from 0");
        } else if (i > 0 && op->time_ns < history->ops[i - 1].time_ns) {
            good = wrong(op, message, ":time falls");
        } else if (op->process == JEP_NEMESIS) {
            good = op->type == JEP_INFO || wrong(op, message, "a nemesis writes :info alone");
        } else {
            good = check_client(history, op, get_slot(&processes, op->process), message);
        }
    }
    free(processes.slots);
    return good;
}

static bool line_failed(size_t line, struct jep_message *message, const char *why)
{
    (void)jep_failed(message, "line %zu: %s", line, why);
    return false;
}

static bool get_type(const struct jep_edn *value, enum jep_op_type *ret_type)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
        if (value != NULL && jep_edn_is_keyword(value, type_names[i])) {
            *ret_type = (enum jep_op_type)i;
            return true;
        }
    }
    return false;
}

/* One line's map as an operation. Keys that are not known here are Jepsen's to add. */
static bool get_op(
    const struct jep_edn *map, size_t line, struct jep_op *ret_op, struct jep_message *message)
{
    const struct jep_edn *index = jep_edn_get(map, "index"), *time = jep_edn_get(map, "time");
    const struct jep_edn *process = jep_edn_get(map, "process"), *f = jep_edn_get(map, "f");
    const struct jep_edn *value = jep_edn_get(map, "value"), *error = jep_edn_get(map, "error");
    const struct jep_edn *node = jep_edn_get(map, "node");
    struct jep_op op = {0};
    if (map->type != JEP_EDN_MAP) {
        return line_failed(line, message, "not a map");
    }
    if (index == NULL || !jep_edn_is_int(index) || index->integer < 0) {
        return line_failed(line, message, "no :index");
    }
    if (time == NULL || !jep_edn_is_int(time) || time->integer < 0) {
        return line_failed(line, message, "no :time in ns");
    }
    if (!get_type(jep_edn_get(map, "type"), &op.type)) {
        return line_failed(line, message, "no :type of :invoke, :ok, :fail, :info");
    }
    if (f == NULL || f->type != JEP_EDN_KEYWORD) {
        return line_failed(line, message, "no :f");
    }
    if (process != NULL && jep_edn_is_keyword(process, "nemesis")) {
        op.process = JEP_NEMESIS;
    } else if (process != NULL && jep_edn_is_int(process) && process->integer >= 0) {
        op.process = process->integer;
    } else {
        return line_failed(line, message, "no :process (a number from 0, or :nemesis)");
    }
    op.index = (uint64_t)index->integer;
    op.time_ns = time->integer;
    op.f = f->text;
    op.value = value != NULL ? *value : jep_edn_nil();
    op.error = error != NULL ? *error : jep_edn_nil();
    op.node = node != NULL && node->type == JEP_EDN_STRING ? node->text : NULL;
    *ret_op = op;
    return true;
}

static bool parse_all(
    const char *text, size_t size, struct jep_history *history, struct jep_message *message)
{
    struct jep_edn_reader reader = {.text = text, .size = size};
    for (;;) {
        struct jep_edn map = jep_edn_nil();
        bool is_end = false;
        if (!jep_edn_read(&reader, history->arena, &map, &is_end, message)) {
            return false;
        }
        if (is_end) {
            return true;
        }
        /* Jepsen 0.3 may print records: #jepsen.history.Op{...} reads as a tagged map. */
        const struct jep_edn *op_map = map.type == JEP_EDN_TAGGED ? &map.items[1] : &map;
        struct jep_op op = {0};
        if (history->count >= JEP_HISTORY_OPS_MAX) {
            return jep_failed(message, "more than %zu operations", JEP_HISTORY_OPS_MAX);
        }
        if (!get_op(op_map, reader.line + 1, &op, message)) {
            return false;
        }
        if (op.index != history->count) {
            return line_failed(reader.line + 1, message, ":index is not dense from 0");
        }
        jep_history_add(history, &op);
    }
}

bool jep_history_parse(
    const char *text, size_t size, struct jep_history **ret_history, struct jep_message *message)
{
    struct jep_history *history = jep_history_create();
    if (!parse_all(text, size, history, message) || !jep_history_check(history, message)) {
        jep_history_destroy(history);
        return false;
    }
    *ret_history = history;
    return true;
}

bool jep_history_read(
    const char *path, struct jep_history **ret_history, struct jep_message *message)
{
    struct jep_text text = {0};
    struct jep_message inner = {0};
    bool good = jep_text_read_file(&text, path, JEP_HISTORY_FILE_BYTES_MAX, message);
    if (good && !jep_history_parse(text.bytes, text.size, ret_history, &inner)) {
        good = jep_failed(message, "%s: %s", path, inner.text);
    }
    jep_text_free(&text);
    return good;
}
