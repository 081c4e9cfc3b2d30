#include "jepsen/work/tides.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/accord.h"
#include "jepsen/cluster/json.h"
#include "jepsen/cluster/process.h"
#include "jepsen/core/history.h"
#include "jepsen/work/workload.h"

enum {
    EVERY_MS = 150,   /* chosen: a tenth of the time that the line takes to be made again */
    TIMEOUT_MS = 1000 /* a site that is silent so long has no leader */
};

struct tide {
    struct jep_tides *tides;
    pthread_t thread;
    bool is_started;
    unsigned site;
    struct jep_edn last[JEP_CLUSTERS_MAX]; /* by agreement */
    struct jep_arena *arenas[JEP_CLUSTERS_MAX];
};

struct jep_tides {
    struct jep_site sites[JEP_CLUSTERS_MAX]; /* with timeouts of their own */
    unsigned count;
    struct jep_history_writer *history;
    int log;
    atomic_bool is_over;
    struct tide tides[JEP_CLUSTERS_MAX];
};

/* --- asking ------------------------------------------------------------------------------ */

static const char *ask(struct jep_client *client, const char *path, struct jep_arena *arena)
{
    const char *line = jep_arena_format(arena, "{\"op\":\"file\",\"path\":\"%s\"}", path);
    struct jep_answer answer = jep_client_ask(client, client->home, line, arena);
    const struct jep_edn *content = jep_json_get(&answer.body, "content");
    bool is_told = answer.kind == JEP_ANSWER_OK && content != NULL;
    return is_told && content->type == JEP_EDN_STRING ? content->text : NULL;
}

const char *jep_tide_file(struct jep_client *client, const char *path, struct jep_arena *arena)
{
    const char *content = NULL;
    for (unsigned i = 0; i < client->site->count && content == NULL; i++) {
        content = ask(client, path, arena);
        client->home = (client->home + (content == NULL ? 1 : 0)) % client->site->count;
    }
    return content;
}

const char *jep_tide_word(const char *text, const char *key, struct jep_arena *arena)
{
    const char *at = text != NULL ? strstr(text, key) : NULL;
    at = at != NULL ? at + strlen(key) : "";
    return jep_arena_text(arena, at, strcspn(at, " \n"));
}

const char *jep_tide_cell(
    struct jep_client *client, unsigned agreement, int64_t unit, struct jep_arena *arena)
{
    const char *path = jep_arena_format(
        arena, "cells/%s/asset/" JEP_UNIT "%012" PRId64, jep_accord_name(agreement), unit);
    const char *text = ask(client, path, arena);
    const char *cell = text != NULL ? strstr(text, " JOIN\n") : NULL;
    return cell != NULL || text == NULL ? cell : "";
}

/* What stands behind the key on its line, or NULL. */
static const char *line_of(const char *text, const char *key)
{
    size_t size = strlen(key);
    for (const char *at = text; at != NULL && *at != '\0';) {
        if (strncmp(at, key, size) == 0 && at[size] == ' ') {
            return at + size + 1;
        }
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return NULL;
}

/* [size "root"]. */
static struct jep_edn head_of(const char *text, const char *key, struct jep_arena *arena)
{
    const char *value = line_of(text, key);
    char root[80] = "";
    int64_t size = 0;
    if (value != NULL) {
        (void)sscanf(value, "%" SCNd64 " %79[^ \n]", &size, root);
    }
    return jep_edn_pair(arena, jep_edn_int(size), jep_edn_string_copy(arena, size > 0 ? root : ""));
}

static struct jep_edn word_of(const char *text, const char *key, struct jep_arena *arena)
{
    const char *value = line_of(text, key);
    return value != NULL ? jep_edn_string(jep_arena_text(arena, value, strcspn(value, " \n")))
                         : jep_edn_string("");
}

struct jep_edn jep_tide_read(
    struct jep_client *client, unsigned site, unsigned agreement, struct jep_arena *arena)
{
    static const char *const heads[] = {
        "sent.size", "sent.signed", "sent.acknowledged", "received.size", "received.head"};
    static const char *const names[] = {"sent", "signed", "acknowledged", "received", "head"};
    struct jep_edn_list map = {0};
    const char *name = jep_accord_name(agreement);
    const char *text = jep_tide_file(client, jep_arena_format(arena, "partner/%s", name), arena);
    if (text == NULL) {
        return jep_edn_nil();
    }
    jep_edn_put(&map, "site", jep_edn_int(site));
    jep_edn_put(&map, "agreement", jep_edn_int(agreement));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        jep_edn_put(&map, names[i], head_of(text, heads[i], arena));
    }
    jep_edn_put(&map, "fenced", word_of(text, "sent.fenced", arena));
    jep_edn_put(&map, "hold", word_of(text, "received.hold", arena));
    jep_edn_put(&map, "quarantine", word_of(text, "received.quarantine", arena));
    return jep_edn_take_map(&map, arena);
}

/* --- threads ----------------------------------------------------------------------------- */

static void write_down(struct tide *t, const struct jep_edn *seen, int64_t asked_ns)
{
    struct jep_edn items[32];
    memcpy(items, seen->items, 2 * seen->count * sizeof(items[0]));
    items[2 * seen->count] = jep_edn_keyword("asked");
    items[2 * seen->count + 1] = jep_edn_int(asked_ns);
    struct jep_edn value = {.type = JEP_EDN_MAP, .count = seen->count + 1, .items = items};
    struct jep_op op = {
        .type = JEP_INFO, .time_ns = -1, .process = JEP_NEMESIS, .f = "stream", .value = value};
    jep_history_write(t->tides->history, &op, NULL);
}

static void look(struct tide *t, struct jep_client *client, unsigned agreement)
{
    struct jep_arena *arena = jep_arena_create();
    int64_t asked_ns = jep_history_writer_now_ns(t->tides->history);
    struct jep_edn seen = jep_tide_read(client, t->site, agreement, arena);
    if (seen.type != JEP_EDN_MAP || jep_edn_equal(&seen, &t->last[agreement])) {
        jep_arena_destroy(arena);
        return;
    }
    write_down(t, &seen, asked_ns);
    jep_arena_destroy(t->arenas[agreement]);
    t->arenas[agreement] = arena;
    t->last[agreement] = seen;
}

static void *watch(void *ctx)
{
    struct tide *t = ctx;
    struct jep_client client;
    jep_client_init(&client, &t->tides->sites[t->site], 0, t->tides->log);
    while (!atomic_load(&t->tides->is_over)) {
        for (unsigned a = 1; a < t->tides->count; a++) {
            if (t->site == 0 || t->site == a) {
                look(t, &client, a);
            }
        }
        jep_sleep_ms(EVERY_MS);
    }
    jep_client_close(&client);
    return NULL;
}

struct jep_tides *jep_tides_start(
    const struct jep_site *sites, unsigned count, struct jep_history_writer *history, int log)
{
    struct jep_tides *tides = jep_alloc(1, sizeof(*tides));
    memset(tides, 0, sizeof(*tides));
    tides->count = count;
    tides->history = history;
    tides->log = log;
    for (unsigned i = 0; i < count; i++) {
        struct tide *t = &tides->tides[i];
        tides->sites[i] = sites[i];
        tides->sites[i].timeout_ms = TIMEOUT_MS;
        t->tides = tides;
        t->site = i;
        t->is_started = pthread_create(&t->thread, NULL, watch, t) == 0;
    }
    return tides;
}

void jep_tides_stop(struct jep_tides *tides)
{
    if (tides == NULL) {
        return;
    }
    atomic_store(&tides->is_over, true);
    for (unsigned i = 0; i < tides->count; i++) {
        struct tide *t = &tides->tides[i];
        if (t->is_started) {
            (void)pthread_join(t->thread, NULL);
        }
        for (unsigned a = 0; a < JEP_CLUSTERS_MAX; a++) {
            jep_arena_destroy(t->arenas[a]);
        }
    }
    free(tides);
}
