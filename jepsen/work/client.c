#include "jepsen/work/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "jepsen/cluster/json.h"
#include "jepsen/core/results.h"

void jep_client_init(struct jep_client *client, const struct jep_site *site, unsigned home, int log)
{
    *client = (struct jep_client){.site = site, .home = home, .leader = -1, .log = log};
}

void jep_client_close(struct jep_client *client)
{
    for (unsigned i = 0; i < JEP_SITE_NODES_MAX; i++) {
        jep_session_destroy(client->sessions[i]);
        client->sessions[i] = NULL;
    }
    for (unsigned i = 0; i < JEP_ECHOES; i++) {
        free(client->echoes[i]);
        client->echoes[i] = NULL;
    }
}

struct jep_answer jep_client_ask(
    struct jep_client *client, unsigned node, const char *line, struct jep_arena *arena)
{
    if (client->sessions[node] == NULL) {
        client->sessions[node] =
            jep_session_create(&(struct jep_session_options){.weft = client->site->weft,
                .identity = client->site->identity,
                .endpoint = client->site->nodes[node].endpoint,
                .timeout_ms = client->site->timeout_ms,
                .log = client->log});
    }
    client->spoke_with = client->site->nodes[node].name;
    struct jep_answer answer = jep_session_ask(client->sessions[node], line, arena);
    if (answer.kind == JEP_ANSWER_BROKEN && !client->is_broken) {
        client->is_broken = true;
        (void)jep_failed(
            &client->why, "%s: %s", client->spoke_with, jep_json_text(&answer.body, "detail"));
    }
    return answer;
}

/* The node with this address, -1: none. */
static int node_at(const struct jep_site *site, const char *endpoint)
{
    for (unsigned i = 0; endpoint[0] != '\0' && i < site->count; i++) {
        if (strcmp(site->nodes[i].endpoint, endpoint) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* JEP-63. */
static struct jep_answer commit(
    struct jep_client *client, const char *line, bool is_stubborn, struct jep_arena *arena)
{
    bool is_home = is_stubborn || client->leader < 0;
    unsigned node = is_home ? client->home : (unsigned)client->leader;
    struct jep_answer answer = jep_client_ask(client, node, line, arena);
    bool is_elsewhere = jep_answer_is(&answer, JEP_ANSWER_REFUSED, "not-leader");
    bool is_lost = answer.kind == JEP_ANSWER_UNKNOWN ||
                   jep_answer_is(&answer, JEP_ANSWER_REFUSED, "unavailable");
    if (is_elsewhere) {
        client->leader = node_at(client->site, jep_json_text(&answer.body, "leader"));
    } else if (is_lost && !is_home) {
        client->leader = -1; /* Whoever leads now is told by the node at home. */
    }
    return answer;
}

static void remember(struct jep_client *client, const char *line)
{
    char **place = &client->echoes[client->echo_count++ % JEP_ECHOES];
    free(*place);
    *place = strdup(line);
}

struct jep_answer jep_client_commit(
    struct jep_client *client, const char *line, bool is_stubborn, struct jep_arena *arena)
{
    struct jep_answer answer = commit(client, line, is_stubborn, arena);
    jep_ledger_note(client->ledger, line, &answer);
    if (answer.kind == JEP_ANSWER_OK) {
        remember(client, line);
    }
    return answer;
}

void jep_client_echo(struct jep_client *client, struct jep_rng *rng, struct jep_arena *arena)
{
    unsigned count = client->echo_count < JEP_ECHOES ? client->echo_count : JEP_ECHOES;
    const char *line = count > 0 ? client->echoes[jep_rng_below(rng, count)] : NULL;
    if (line != NULL) {
        (void)commit(client, line, false, arena);
    }
}

void jep_client_asset(const struct jep_client *client, const char *kind, int64_t number,
    char ret_asset[JEP_ASSET_BYTES])
{
    if (number < 0) {
        (void)snprintf(ret_asset, JEP_ASSET_BYTES, "%s%s/*", client->site->prefix, kind);
    } else {
        (void)snprintf(
            ret_asset, JEP_ASSET_BYTES, "%s%s/%" PRId64, client->site->prefix, kind, number);
    }
}

/* --- lines ------------------------------------------------------------------------------- */

void jep_commit_begin(struct jep_text *line)
{
    uint64_t id[2];
    jep_text_reset(line);
    if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id)) {
        (void)fprintf(stderr, "jepsen: no random bytes for a request id\n");
        exit(JEP_EXIT_HARNESS);
    }
    jep_text_printf(line,
        "{\"op\":\"commit\",\"request_id\":\"%016" PRIx64 "%016" PRIx64 "\",\"records\":[", id[0],
        id[1]);
}

void jep_commit_record(struct jep_text *line, const char *kind, const char *asset,
    const char *attrs, const char *links, int64_t expect_rev)
{
    jep_text_puts(line, line->bytes[line->size - 1] == '[' ? "{\"kind\":" : ",{\"kind\":");
    jep_json_quote(line, kind);
    jep_text_puts(line, ",\"asset\":");
    jep_json_quote(line, asset);
    if (attrs != NULL) {
        jep_text_printf(line, ",\"attrs\":%s", attrs);
    }
    if (links != NULL) {
        jep_text_printf(line, ",\"links\":%s", links);
    }
    if (expect_rev >= 0) {
        jep_text_printf(line, ",\"expect\":{\"rev\":%" PRId64 "}", expect_rev);
    }
    jep_text_puts(line, "}");
}

void jep_commit_end(struct jep_text *line)
{
    jep_text_puts(line, "]}");
}

/* --- reading ----------------------------------------------------------------------------- */

static void put_state(struct jep_text *line, const struct jep_read *read)
{
    int64_t min_index = read->as_of > 0 ? read->as_of : read->min_index;
    if (read->as_of > 0) {
        jep_text_printf(line, ",\"as_of\":%" PRId64, read->as_of);
    }
    if (min_index > 0) {
        jep_text_printf(line, ",\"min_index\":%" PRId64, min_index);
    }
}

static struct jep_edn member_of(const struct jep_edn *object, const char *key)
{
    const struct jep_edn *value = jep_json_get(object, key);
    return value != NULL ? *value : jep_edn_nil();
}

struct jep_answer jep_client_read(struct jep_client *client, const struct jep_read *read,
    struct jep_arena *arena, struct jep_seen *ret_seen)
{
    struct jep_text line = {0};
    jep_text_puts(&line, "{\"op\":\"read\",\"asset\":");
    jep_json_quote(&line, read->asset);
    put_state(&line, read);
    jep_text_puts(&line, "}");
    struct jep_answer answer = jep_client_ask(client, client->home, line.bytes, arena);
    jep_text_free(&line);
    *ret_seen = (struct jep_seen){.index = jep_json_int(&answer.body, "index", 0)};
    if (jep_answer_is(&answer, JEP_ANSWER_REFUSED, "not-found")) {
        answer.kind = JEP_ANSWER_OK; /* That there is none is an answer. */
    } else if (answer.kind == JEP_ANSWER_OK) {
        ret_seen->records = member_of(&answer.body, "records");
        ret_seen->rev = jep_json_int(&answer.body, "rev", 0);
    }
    return answer;
}

/* Appends the records of a page. */
static void take_page(const struct jep_edn *page, struct jep_edn_list *records, int64_t *rev)
{
    struct jep_edn items = member_of(page, "records");
    for (size_t i = 0; i < items.count; i++) {
        int64_t index = jep_json_int(&items.items[i], "index", 0);
        *rev = index > *rev ? index : *rev;
        jep_edn_push(records, items.items[i]);
    }
}

struct jep_answer jep_client_find(struct jep_client *client, const struct jep_read *read,
    struct jep_arena *arena, struct jep_seen *ret_seen)
{
    struct jep_edn_list records = {0};
    struct jep_text line = {0};
    struct jep_answer answer;
    const char *cursor = "";
    *ret_seen = (struct jep_seen){.index = 0};
    do {
        jep_text_reset(&line);
        jep_text_puts(&line, "{\"op\":\"find\",\"asset\":");
        jep_json_quote(&line, read->asset);
        jep_text_printf(&line, ",\"limit\":%d", JEP_FIND_RECORDS_MAX);
        put_state(&line, read);
        if (cursor[0] != '\0') {
            jep_text_printf(&line, ",\"cursor\":\"%s\"", cursor);
        }
        jep_text_puts(&line, "}");
        answer = jep_client_ask(client, client->home, line.bytes, arena);
        if (answer.kind != JEP_ANSWER_OK) {
            break;
        }
        take_page(&answer.body, &records, &ret_seen->rev);
        ret_seen->index = jep_json_int(&answer.body, "index", 0);
        cursor = jep_json_text(&answer.body, "cursor");
    } while (cursor[0] != '\0');
    jep_text_free(&line);
    ret_seen->records = jep_edn_take_vector(&records, arena);
    return answer;
}

int64_t jep_record_int(const struct jep_edn *record, const char *attribute, int64_t otherwise)
{
    const struct jep_edn *attrs = jep_json_get(record, "attrs");
    return attrs != NULL ? jep_json_int(attrs, attribute, otherwise) : otherwise;
}

/* --- outcomes ---------------------------------------------------------------------------- */

enum jep_op_type jep_outcome_of_read(const struct jep_answer *answer)
{
    return answer->kind == JEP_ANSWER_OK ? JEP_OK : JEP_FAIL;
}

/* JEP-62. */
enum jep_op_type jep_outcome_of_commit(const struct jep_answer *answer)
{
    switch (answer->kind) {
    case JEP_ANSWER_OK:
        return JEP_OK;
    case JEP_ANSWER_REFUSED:
        return JEP_FAIL;
    case JEP_ANSWER_UNKNOWN:
    case JEP_ANSWER_BROKEN:
        break;
    }
    return JEP_INFO;
}

struct jep_edn jep_outcome_error(const struct jep_answer *answer, struct jep_arena *arena)
{
    if (answer->kind == JEP_ANSWER_OK) {
        return jep_edn_nil();
    }
    char detail[160];
    (void)snprintf(detail, sizeof(detail), "%s", jep_json_text(&answer->body, "detail"));
    return jep_edn_pair(arena, jep_edn_keyword_copy(arena, jep_answer_code(answer)),
        jep_edn_string_copy(arena, detail));
}
