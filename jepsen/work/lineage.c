#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/cluster/json.h"
#include "jepsen/work/workload.h"

/* A commit is whole: a unit is assembled of N parts by N + 1 records in one commit, and a trace of
 * the unit finds all of them or none. */

enum {
    PARTS_MIN = 2,
    PARTS_MAX = 8,
    RECENT_UNITS = 8, /* chosen: those traced are being assembled, or just were */
    FINAL_UNITS = 200 /* chosen: for each node */
};

static struct jep_edn unit_of(struct jep_gen *gen, int64_t unit, struct jep_edn parts)
{
    return jep_edn_pair(gen->arena, jep_edn_int(unit), parts);
}

/* Units are numbered by next_key, parts by next_value. */
static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    struct jep_edn parts[PARTS_MAX];
    (void)worker;
    if (gen->next_key > 0 && jep_rng_chance(&gen->rng, 1, 2)) {
        int64_t back = (int64_t)jep_rng_below(&gen->rng, RECENT_UNITS);
        int64_t unit = back < gen->next_key ? gen->next_key - 1 - back : 0;
        *ret_step = (struct jep_step){"trace", unit_of(gen, unit, jep_edn_nil())};
        return;
    }
    size_t count = (size_t)jep_rng_between(&gen->rng, PARTS_MIN, PARTS_MAX);
    for (size_t i = 0; i < count; i++) {
        parts[i] = jep_edn_int(gen->next_value++);
    }
    *ret_step = (struct jep_step){
        "assemble", unit_of(gen, gen->next_key++, jep_edn_vector(gen->arena, parts, count))};
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    int64_t unit = gen->next_key - 1 - (int64_t)i;
    *ret_step = (struct jep_step){"trace", unit_of(gen, unit, jep_edn_nil())};
    return unit >= 0 && i < FINAL_UNITS;
}

/* Of every other unit the whole states its parts, by one record with many links; of the others each
 * part states its whole. Either way they are one commit, and a trace has to find all. */
static void put_unit(const struct jep_call *call, struct jep_text *line, const char *unit,
    const struct jep_edn *parts)
{
    struct jep_text links = {0};
    char part[JEP_ASSET_BYTES];
    bool is_of_whole = call->step->value.items[0].integer % 2 == 0;
    jep_text_puts(&links, "[");
    for (size_t i = 0; i < parts->count && is_of_whole; i++) {
        jep_client_asset(call->client, "part", parts->items[i].integer, part);
        jep_text_printf(&links, "%s{\"rel\":\"contains\",\"to\":\"%s\"}", i > 0 ? "," : "", part);
    }
    jep_text_puts(&links, "]");
    jep_commit_record(line, "jepsen.unit", unit, NULL, is_of_whole ? links.bytes : NULL, -1);
    jep_text_reset(&links);
    jep_text_printf(&links, "[{\"rel\":\"installed_in\",\"to\":\"%s\"}]", unit);
    for (size_t i = 0; i < parts->count; i++) {
        jep_client_asset(call->client, "part", parts->items[i].integer, part);
        jep_commit_record(line, "jepsen.part", part, NULL, is_of_whole ? NULL : links.bytes, -1);
    }
    jep_text_free(&links);
}

static void assemble(struct jep_call *call)
{
    struct jep_text line = {0};
    char unit[JEP_ASSET_BYTES];
    jep_client_asset(call->client, "unit", call->step->value.items[0].integer, unit);
    jep_commit_begin(&line);
    put_unit(call, &line, unit, &call->step->value.items[1]);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
}

static void trace(struct jep_call *call)
{
    const struct jep_edn *unit = &call->step->value.items[0];
    struct jep_edn_list parts = {0};
    char asset[JEP_ASSET_BYTES], part_0[JEP_ASSET_BYTES];
    jep_client_asset(call->client, "unit", unit->integer, asset);
    jep_client_asset(call->client, "part", 0, part_0);
    size_t prefix = strlen(part_0) - 1;
    char *line = jep_arena_format(call->arena,
        "{\"op\":\"trace\",\"asset\":\"%s\",\"direction\":\"back\",\"ids\":true}", asset);
    struct jep_answer answer = jep_client_ask(call->client, call->client->home, line, call->arena);
    if (jep_answer_is(&answer, JEP_ANSWER_REFUSED, "not-found")) {
        answer.kind = JEP_ANSWER_OK;
    }
    jep_call_read_outcome(call, &answer);
    if (call->type != JEP_OK) {
        return;
    }
    const struct jep_edn *assets = jep_json_get(&answer.body, "assets");
    for (size_t i = 0; assets != NULL && i < assets->count; i++) {
        const char *name = assets->items[i].text;
        if (strncmp(name, part_0, prefix) == 0) {
            int64_t part = strtoll(name + prefix, NULL, 10);
            jep_edn_push(&parts, jep_edn_int(part));
        }
    }
    call->value = jep_edn_pair(call->arena, *unit, jep_edn_take_vector(&parts, call->arena));
}

static void apply(struct jep_call *call)
{
    if (strcmp(call->step->f, "assemble") == 0) {
        assemble(call);
    } else {
        trace(call);
    }
}

const struct jep_workload jep_workload_lineage = {.name = "lineage",
    .what = "units are assembled in one commit; a trace shows all of it or nothing",
    .check = "lineage",
    .rate = 60,
    .next = next,
    .final = final,
    .apply = apply};
