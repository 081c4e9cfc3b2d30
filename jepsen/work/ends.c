#include "jepsen/work/ends.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/gate.h"
#include "jepsen/cluster/json.h"
#include "jepsen/cluster/process.h"
#include "jepsen/work/orders.h"

enum {
    HAND_MS = 4000,
    WAIT_MS = 500,
    SETTLE_TRIES = 240, /* two minutes: 20 s of an order's life, 35 s until it is unknown; twice */
    TOLD_BYTES_MAX = 64 << 20,
    PATH_BYTES = 1024
};

struct ends {
    struct jep_worker *worker;
    const struct jep_site *site;
    struct jep_arena *arena;
};

/* "plant1/gw2/press3" -> 6. */
static bool parse_channel(const char *text, unsigned *ret_channel)
{
    unsigned gate = 0, machine = 0;
    bool is_parsed = sscanf(text, "plant1/gw%1u/press%1u", &gate, &machine) == 2 && gate >= 1 &&
                     gate <= JEP_GATES_MAX && machine >= 1 && machine <= JEP_GATE_MACHINES;
    *ret_channel = is_parsed ? (gate - 1) * JEP_GATE_MACHINES + machine - 1 : 0;
    return is_parsed;
}

/* JEP-70. What is open; what is UNKNOWN among it is resolved. -1: nobody says. */
static int64_t count_open(struct ends *e)
{
    static const char *const list[] = {"command", "list", "--open", "-o", "json", NULL};
    struct jep_edn open, ignored;
    if (jep_hand(e->site, NULL, list, HAND_MS, e->arena, &open) != 0 ||
        open.type != JEP_EDN_VECTOR) {
        return -1;
    }
    for (uint32_t i = 0; i < open.count; i++) {
        const char *id = jep_json_text(&open.items[i], "id");
        unsigned channel;
        if (strcmp(jep_json_text(&open.items[i], "state"), "UNKNOWN") == 0 &&
            parse_channel(jep_json_text(&open.items[i], "channel"), &channel)) {
            const char *found = jep_order_was_told(e->site, channel, id) ? "done" : "not-done";
            const char *const resolve[] = {
                "command", "resolve", id, found, "--reason", "looked", "--yes", NULL};
            (void)jep_hand(e->site, "cy", resolve, HAND_MS, e->arena, &ignored);
        }
    }
    return open.count;
}

static bool settle(struct ends *e)
{
    for (int tries = 0; tries < SETTLE_TRIES; tries++) {
        if (count_open(e) == 0) {
            return true;
        }
        jep_sleep_ms(WAIT_MS);
    }
    return false;
}

/* [id state code node], each asked of one node, in turn. */
static struct jep_edn states(struct ends *e)
{
    struct jep_orders *orders = &e->worker->shared->orders;
    struct jep_edn_list list = {0};
    for (size_t i = 0; i < orders->count; i++) {
        const char *id = orders->items[i].id;
        const char *const show[] = {"command", "show", id, "-o", "json", NULL};
        unsigned node = (unsigned)(i % e->site->count);
        struct jep_edn shown = jep_edn_nil();
        (void)jep_hand_at(e->site, node, show, e->arena, &shown);
        struct jep_edn row[] = {jep_edn_string_copy(e->arena, id),
            jep_edn_string(jep_json_text(&shown, "state")),
            jep_edn_string(jep_json_text(&shown, "code")),
            jep_edn_string(e->site->nodes[node].name)};
        jep_edn_push(&list, jep_edn_vector(e->arena, row, 4));
    }
    return jep_edn_take_vector(&list, e->arena);
}

/* [machine ms where id verb] of each line. */
static void add_told(struct ends *e, unsigned channel, struct jep_edn_list *list)
{
    struct jep_text text = {0};
    struct jep_message ignored;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/press%u/told",
        jep_gate_home(e->site->plant, channel / JEP_GATE_MACHINES),
        channel % JEP_GATE_MACHINES + 1);
    char *rest = NULL;
    bool is_read = jep_text_read_file(&text, path, TOLD_BYTES_MAX, &ignored) && text.size > 0;
    for (char *line = is_read ? strtok_r(text.bytes, "\n", &rest) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char where[16] = "", id[40] = "", verb[32] = "";
        int64_t ms = 0;
        (void)sscanf(line, "%" SCNd64 " %15s %39s %31s", &ms, where, id, verb);
        struct jep_edn row[] = {jep_edn_string(jep_order_machine(channel, e->arena)),
            jep_edn_int(ms), jep_edn_string_copy(e->arena, where),
            jep_edn_string_copy(e->arena, id), jep_edn_string_copy(e->arena, verb)};
        jep_edn_push(list, jep_edn_vector(e->arena, row, 5));
    }
    jep_text_free(&text);
}

void jep_ends_tell(struct jep_worker *worker)
{
    struct ends e = {.worker = worker, .site = worker->client.site, .arena = jep_arena_create()};
    struct jep_edn_list value = {0}, told = {0};
    jep_worker_write(worker, &(struct jep_op){.type = JEP_INVOKE, .f = "actuation"});
    bool is_settled = settle(&e);
    for (unsigned c = 0; c < jep_gates_count(e.site->plant) * JEP_GATE_MACHINES; c++) {
        add_told(&e, c, &told);
    }
    jep_edn_put(&value, "settled", jep_edn_bool(is_settled));
    jep_edn_put(&value, "gateway-ends", jep_edn_int(jep_gates_ends(e.site->plant)));
    jep_edn_put(&value, "told", jep_edn_take_vector(&told, e.arena));
    jep_edn_put(&value, "states", states(&e));
    jep_worker_write(
        worker, &(struct jep_op){
                    .type = JEP_OK, .f = "actuation", .value = jep_edn_take_map(&value, e.arena)});
    jep_arena_destroy(e.arena);
}
