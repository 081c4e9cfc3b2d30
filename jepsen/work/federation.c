#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/work/tides.h"
#include "jepsen/work/workload.h"

/* Organizations inspect the same units, each at its own site, and share verdicts by an agreement
 * (cluster/accord.h): of two the stricter one counts. What an inspection cost is hidden from the
 * other side, and is a text that is nowhere else (accounts.c looks for it there). Worker N is of
 * the site N modulo the sites. */

enum {
    UNITS = 6, /* inspected at one time */
    OPS_OF_UNIT = 6,
    LOOKS_PERCENT = 30
};

static const char *const verdicts[] = {"PASS", "PASS", "PASS", "CONDITIONAL", "FAIL", "BLOCK"};

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    struct jep_edn_list map = {0};
    bool is_look = jep_rng_below(&gen->rng, 100) < LOOKS_PERCENT;
    int64_t unit = gen->next_value / OPS_OF_UNIT + (int64_t)jep_rng_below(&gen->rng, UNITS);
    uint64_t verdict = jep_rng_below(&gen->rng, sizeof(verdicts) / sizeof(verdicts[0]));
    int64_t other = 1 + (int64_t)jep_rng_below(&gen->rng, gen->sites > 1 ? gen->sites - 1 : 1);
    unsigned site = worker % gen->sites;
    jep_edn_put(&map, "site", jep_edn_int(site));
    jep_edn_put(&map, "unit", jep_edn_int(unit));
    if (is_look) {
        jep_edn_put(&map, "agreement", jep_edn_int(site == 0 ? other : site));
    } else {
        jep_edn_put(&map, "e", jep_edn_int(gen->next_value++));
        jep_edn_put(&map, "verdict", jep_edn_string(verdicts[verdict]));
    }
    *ret_step = (struct jep_step){is_look ? "look" : "inspect", jep_edn_take_map(&map, gen->arena)};
}

/* Each node is to answer; what its site says of the rest is asked by accounts.c. */
static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    struct jep_edn items[] = {jep_edn_keyword("unit"), jep_edn_int(1)};
    *ret_step = (struct jep_step){"look", jep_edn_map(gen->arena, items, 1)};
    return i == 0;
}

static int64_t number_of(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && jep_edn_is_int(found) ? found->integer : 0;
}

/* What is held of the unit, as the site has it now: the step's map with :verdict, "" for none. */
static void look(struct jep_call *call)
{
    const struct jep_edn *step = &call->step->value;
    const unsigned site = call->client->site->number;
    struct jep_edn_list map = {0};
    int64_t agreement = number_of(step, "agreement");
    agreement = agreement > 0 ? agreement : site > 0 ? site : 1;
    const char *cell =
        jep_tide_cell(call->client, (unsigned)agreement, number_of(step, "unit"), call->arena);
    if (cell == NULL) {
        jep_call_fail(call, "not-told");
        return;
    }
    jep_edn_put(&map, "site", jep_edn_int(site));
    jep_edn_put(&map, "unit", jep_edn_int(number_of(step, "unit")));
    jep_edn_put(&map, "agreement", jep_edn_int(agreement));
    jep_edn_put(&map, "verdict", jep_edn_string(jep_tide_word(cell, "\nvalue ", call->arena)));
    call->value = jep_edn_take_map(&map, call->arena);
}

static void inspect(struct jep_call *call)
{
    const struct jep_edn *value = &call->step->value;
    const struct jep_edn *verdict = jep_edn_get(value, "verdict");
    struct jep_text line = {0};
    char attrs[160], asset[JEP_ASSET_BYTES];
    int64_t e = number_of(value, "e");
    (void)snprintf(attrs, sizeof(attrs),
        "{\"e\":%" PRId64 ",\"verdict\":\"%s\",\"cost\":\"" JEP_HIDDEN "%" PRId64 "-%" PRId64 "\"}",
        e, verdict != NULL ? verdict->text : "", number_of(value, "site"), e);
    (void)snprintf(asset, sizeof(asset), JEP_UNIT "%012" PRId64, number_of(value, "unit"));
    jep_commit_begin(&line);
    jep_commit_record(&line, "inspection", asset, attrs, NULL, -1);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
}

static void apply(struct jep_call *call)
{
    if (strcmp(call->step->f, "look") == 0) {
        look(call);
    } else {
        inspect(call);
    }
}

const struct jep_workload jep_workload_federation = {.name = "federation",
    .what = "organizations inspect the same units, and share verdicts but not costs",
    .check = "federation",
    .wants_plant = true,
    .is_federated = true,
    .nemeses = "partner,restore,kill-leader,kill-all,pause-leader,power-all",
    .rate = 30,
    .next = next,
    .final = final,
    .apply = apply};
