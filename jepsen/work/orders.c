#include "jepsen/work/orders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/gate.h"
#include "jepsen/cluster/json.h"
#include "jepsen/cluster/process.h"
#include "jepsen/work/client.h"

enum {
    HAND_MS = 4000, /* chosen: an election and a busy machine */
    LOOK_MAX = 4,   /* orders of a channel at once */
    PATH_BYTES = 1024,
    TOLD_BYTES_MAX = 64 << 20
};

/* --- the list ---------------------------------------------------------------------------- */

void jep_orders_init(struct jep_orders *orders)
{
    *orders = (struct jep_orders){.count = 0};
    (void)pthread_mutex_init(&orders->mutex, NULL);
}

void jep_orders_destroy(struct jep_orders *orders)
{
    (void)pthread_mutex_destroy(&orders->mutex);
    free(orders->items);
}

void jep_orders_add(struct jep_orders *orders, const char *id, unsigned channel)
{
    (void)pthread_mutex_lock(&orders->mutex);
    if (orders->count == orders->capacity) {
        orders->capacity = orders->capacity == 0 ? 256 : 2 * orders->capacity;
        orders->items = jep_realloc(orders->items, orders->capacity, sizeof(*orders->items));
    }
    struct jep_order *order = &orders->items[orders->count++];
    *order = (struct jep_order){.channel = channel};
    (void)snprintf(order->id, sizeof(order->id), "%s", id);
    (void)pthread_mutex_unlock(&orders->mutex);
}

void jep_orders_end(struct jep_orders *orders, const char *id)
{
    (void)pthread_mutex_lock(&orders->mutex);
    for (size_t i = orders->count; i-- > 0;) {
        if (strcmp(orders->items[i].id, id) == 0) {
            orders->items[i].is_over = true;
            break;
        }
    }
    (void)pthread_mutex_unlock(&orders->mutex);
}

size_t jep_orders_open(
    struct jep_orders *orders, unsigned channel, struct jep_order *ret_orders, size_t max)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&orders->mutex);
    for (size_t i = 0; i < orders->count && count < max; i++) {
        if (orders->items[i].channel == channel && !orders->items[i].is_over) {
            ret_orders[count++] = orders->items[i];
        }
    }
    (void)pthread_mutex_unlock(&orders->mutex);
    return count;
}

/* --- names ------------------------------------------------------------------------------- */

const char *jep_order_machine(unsigned channel, struct jep_arena *arena)
{
    return jep_arena_format(
        arena, "gw%u/press%u", channel / JEP_GATE_MACHINES + 1, channel % JEP_GATE_MACHINES + 1);
}

const char *jep_order_asset(unsigned channel, struct jep_arena *arena)
{
    return jep_arena_format(arena, "plant1/line/gw%u-press%u", channel / JEP_GATE_MACHINES + 1,
        channel % JEP_GATE_MACHINES + 1);
}

const char *jep_order_channel(unsigned channel, struct jep_arena *arena)
{
    return jep_arena_format(arena, "plant1/%s", jep_order_machine(channel, arena));
}

/* --- hands ------------------------------------------------------------------------------- */

/* The last line that it printed. */
static struct jep_edn said(const struct jep_text *printed, struct jep_arena *arena)
{
    struct jep_edn value = jep_edn_nil();
    struct jep_message ignored;
    size_t end = printed->size;
    while (end > 0 && printed->bytes[end - 1] == '\n') {
        end--;
    }
    size_t begin = end;
    while (begin > 0 && printed->bytes[begin - 1] != '\n') {
        begin--;
    }
    if (end == begin ||
        !jep_json_parse(arena, printed->bytes + begin, end - begin, &value, &ignored)) {
        return jep_edn_nil();
    }
    return value;
}

static int run(const struct jep_site *site, const char *endpoint, const char *who,
    const char *const *arguments, unsigned wait_ms, struct jep_arena *arena,
    struct jep_edn *ret_said)
{
    const char *argv[JEP_HAND_ARGS_MAX + 16], *env[8] = {NULL};
    char key[PATH_BYTES], timeout[32];
    struct jep_capture capture;
    struct jep_message ignored;
    size_t count = 0;
    argv[count++] = site->weft;
    while (*arguments != NULL && count < JEP_HAND_ARGS_MAX) {
        argv[count++] = *arguments++;
    }
    if (who != NULL) {
        jep_people_key(site->plant, who, key, sizeof(key));
        argv[count++] = "--key";
        argv[count++] = key;
    }
    (void)snprintf(timeout, sizeof(timeout), "%ums", wait_ms < HAND_MS ? wait_ms : HAND_MS);
    const char *const last[] = {
        "--endpoint", endpoint, "--identity", site->identity, "--timeout", timeout, "-q", NULL};
    memcpy(argv + count, last, sizeof(last));
    jep_people_env(site->plant, env);
    *ret_said = jep_edn_nil();
    if (!jep_capture_start(&capture, argv, env, NULL, &ignored)) {
        return -1;
    }
    int code = jep_capture_finish(&capture, jep_now_ns() + (wait_ms + 500) * INT64_C(1000000));
    *ret_said = said(&capture.stdout_text, arena);
    jep_capture_free(&capture);
    return code;
}

int jep_hand(const struct jep_site *site, const char *who, const char *const *arguments,
    unsigned wait_ms, struct jep_arena *arena, struct jep_edn *ret_said)
{
    struct jep_text all = {0};
    for (unsigned i = 0; i < site->count; i++) {
        jep_text_printf(&all, "%s%s", i > 0 ? "," : "", site->nodes[i].endpoint);
    }
    int code = run(site, all.bytes, who, arguments, wait_ms, arena, ret_said);
    jep_text_free(&all);
    return code;
}

int jep_hand_at(const struct jep_site *site, unsigned node, const char *const *arguments,
    struct jep_arena *arena, struct jep_edn *ret_said)
{
    return run(site, site->nodes[node].endpoint, NULL, arguments, HAND_MS, arena, ret_said);
}

/* --- looking after ----------------------------------------------------------------------- */

bool jep_order_was_told(const struct jep_site *site, unsigned channel, const char *id)
{
    struct jep_text told = {0};
    struct jep_message ignored;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/press%u/told",
        jep_gate_home(site->plant, channel / JEP_GATE_MACHINES), channel % JEP_GATE_MACHINES + 1);
    bool was_told = jep_text_read_file(&told, path, TOLD_BYTES_MAX, &ignored) && told.size > 0 &&
                    strstr(told.bytes, id) != NULL;
    jep_text_free(&told);
    return was_told;
}

static bool is_end(const char *state)
{
    static const char *const ends[] = {
        "REJECTED", "CANCELLED", "EXPIRED", "VERIFIED", "FAILED", "UNKNOWN"};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (strcmp(state, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Nobody takes an UNKNOWN back: somebody says what he found at the machine. */
static bool resolve(
    const struct jep_site *site, unsigned channel, const char *id, struct jep_arena *arena)
{
    struct jep_edn ignored;
    const char *found = jep_order_was_told(site, channel, id) ? "done" : "not-done";
    const char *const arguments[] = {
        "command", "resolve", id, found, "--reason", "looked", "--yes", "-o", "json", NULL};
    return jep_hand(site, "bo", arguments, HAND_MS, arena, &ignored) == 0;
}

size_t jep_orders_look_after(const struct jep_site *site, struct jep_orders *orders,
    unsigned channel, struct jep_arena *arena)
{
    struct jep_order open[LOOK_MAX];
    size_t count = jep_orders_open(orders, channel, open, LOOK_MAX), left = 0;
    for (size_t i = 0; i < count; i++) {
        struct jep_edn shown;
        const char *const arguments[] = {"command", "show", open[i].id, "-o", "json", NULL};
        bool is_over = false;
        if (jep_hand(site, NULL, arguments, HAND_MS, arena, &shown) == 0) {
            const char *state = jep_json_text(&shown, "state");
            is_over = is_end(state);
            if (strcmp(state, "UNKNOWN") == 0 && jep_json_text(&shown, "resolved")[0] == '\0') {
                is_over = resolve(site, channel, open[i].id, arena);
            }
        }
        if (is_over) {
            jep_orders_end(orders, open[i].id);
        }
        left += is_over ? 0 : 1;
    }
    return left;
}
