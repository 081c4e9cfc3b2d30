#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jepsen/cluster/process.h"
#include "jepsen/work/workload.h"

/* Accounts whose sum never changes. A transfer reads two accounts at one index and commits both
 * under what it expects of them; a read is all accounts at one index. */

enum {
    ACCOUNTS = 6,
    BALANCE = 20, /* of each at the start */
    AMOUNT_MAX = 5,
    SETUP_TRIES = 60,
    SETUP_WAIT_MS = 500
};

static void next(struct jep_gen *gen, unsigned worker, struct jep_step *ret_step)
{
    (void)worker;
    if (jep_rng_below(&gen->rng, 100) < 30) {
        *ret_step = (struct jep_step){"read", jep_edn_nil()};
        return;
    }
    int64_t from = jep_rng_between(&gen->rng, 0, ACCOUNTS - 1);
    int64_t to = (from + jep_rng_between(&gen->rng, 1, ACCOUNTS - 1)) % ACCOUNTS;
    struct jep_edn items[] = {jep_edn_keyword("from"), jep_edn_int(from), jep_edn_keyword("to"),
        jep_edn_int(to), jep_edn_keyword("amount"),
        jep_edn_int(jep_rng_between(&gen->rng, 1, AMOUNT_MAX))};
    *ret_step = (struct jep_step){"transfer", jep_edn_map(gen->arena, items, 3)};
}

static bool final(struct jep_gen *gen, unsigned i, struct jep_step *ret_step)
{
    (void)gen;
    *ret_step = (struct jep_step){"read", jep_edn_nil()};
    return i == 0;
}

static void put_balance(const struct jep_client *client, struct jep_text *line, int64_t account,
    int64_t balance, int64_t rev)
{
    char asset[JEP_ASSET_BYTES], attrs[64];
    jep_client_asset(client, "bank", account, asset);
    (void)snprintf(attrs, sizeof(attrs), "{\"balance\":%" PRId64 "}", balance);
    jep_commit_record(line, "jepsen.account", asset, attrs, NULL, rev);
}

/* Under `expect`, so that it happens once however often it is tried. */
static bool setup(struct jep_client *client, struct jep_arena *arena, struct jep_message *message)
{
    struct jep_text line = {0};
    bool is_there = false;
    jep_commit_begin(&line);
    for (int64_t account = 0; account < ACCOUNTS; account++) {
        put_balance(client, &line, account, BALANCE, 0);
    }
    jep_commit_end(&line);
    for (int i = 0; i < SETUP_TRIES && !is_there; i++) {
        struct jep_answer answer = jep_client_commit(client, line.bytes, false, arena);
        is_there = answer.kind == JEP_ANSWER_OK ||
                   (i > 0 && jep_answer_is(&answer, JEP_ANSWER_REFUSED, "conflict"));
        if (!is_there) {
            (void)jep_failed(message, "the accounts cannot be opened: %s",
                jep_edn_show(arena, &answer.body, 300));
            jep_sleep_ms(client->leader >= 0 ? 0 : SETUP_WAIT_MS);
        }
    }
    jep_text_free(&line);
    return is_there;
}

struct account {
    int64_t balance, rev;
};

/* As of the index, or now if it is 0 (then it becomes that index). False: there is an outcome. */
static bool read_account(
    struct jep_call *call, int64_t account, int64_t *as_of, struct account *ret_account)
{
    struct jep_seen seen;
    char asset[JEP_ASSET_BYTES];
    jep_client_asset(call->client, "bank", account, asset);
    struct jep_answer answer = jep_client_read(
        call->client, &(struct jep_read){.asset = asset, .as_of = *as_of}, call->arena, &seen);
    jep_call_read_outcome(call, &answer);
    if (call->type != JEP_OK) {
        return false;
    }
    *as_of = *as_of == 0 ? seen.index : *as_of;
    ret_account->rev = seen.rev;
    /* An account that is gone has lost its money: the checker sees it in the sum. */
    ret_account->balance =
        seen.records.count > 0 ? jep_record_int(&seen.records.items[0], "balance", 0) : 0;
    return true;
}

static void transfer(struct jep_call *call)
{
    const struct jep_edn *value = &call->step->value;
    int64_t from = jep_edn_get(value, "from")->integer, to = jep_edn_get(value, "to")->integer;
    int64_t amount = jep_edn_get(value, "amount")->integer;
    struct account source, target;
    int64_t as_of = 0;
    if (!read_account(call, from, &as_of, &source) || !read_account(call, to, &as_of, &target)) {
        return;
    }
    if (source.balance < amount) {
        jep_call_fail(call, "insufficient");
        return;
    }
    struct jep_text line = {0};
    jep_commit_begin(&line);
    put_balance(call->client, &line, from, source.balance - amount, source.rev);
    put_balance(call->client, &line, to, target.balance + amount, target.rev);
    jep_commit_end(&line);
    struct jep_answer answer =
        jep_client_commit(call->client, line.bytes, call->is_stubborn, call->arena);
    jep_call_commit_outcome(call, &answer);
    jep_text_free(&line);
}

static void apply(struct jep_call *call)
{
    struct jep_edn items[2 * ACCOUNTS];
    int64_t as_of = 0;
    if (strcmp(call->step->f, "transfer") == 0) {
        transfer(call);
        return;
    }
    for (int64_t i = 0; i < ACCOUNTS; i++) {
        struct account account;
        if (!read_account(call, i, &as_of, &account)) {
            return;
        }
        items[2 * i] = jep_edn_int(i);
        items[2 * i + 1] = jep_edn_int(account.balance);
    }
    call->value = jep_edn_map(call->arena, items, ACCOUNTS);
}

const struct jep_workload jep_workload_bank = {.name = "bank",
    .what = "transfers between accounts, whose sum never changes",
    .check = "bank",
    .rate = 60,
    .next = next,
    .final = final,
    .setup = setup,
    .apply = apply};
