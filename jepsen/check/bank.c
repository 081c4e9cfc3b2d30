#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/findings.h"
#include "jepsen/check/span.h"
#include "jepsen/check/sums.h"
#include "jepsen/core/table.h"

/* Money is moved, never made: every read shows the same accounts and the same sum, nothing below
 * zero. An account's balance also lies within what the transfers that are over and those under way
 * allow, so that a lost or repeated transfer shows although it keeps the sum. */

struct bank {
    struct jep_findings findings;
    struct jep_table accounts;
    int64_t *initial;       /* by account */
    struct jep_sums *sums;  /* by account, as the walk stands */
    struct jep_sums **open; /* by index of a read's invocation: a copy of sums */
    int64_t total;
    bool has_total;
    bool has_initial;
    uint64_t transfers_begun;
    uint64_t reads;
};

static bool take_transfer(const struct bank *bank, const struct jep_edn *value, uint32_t *ret_from,
    uint32_t *ret_to, int64_t *ret_amount)
{
    const struct jep_edn *from = jep_edn_get(value, "from"), *to = jep_edn_get(value, "to");
    const struct jep_edn *amount = jep_edn_get(value, "amount");
    if (from == NULL || to == NULL || amount == NULL || !jep_sums_is_amount(amount)) {
        return false;
    }
    *ret_from = jep_table_find(&bank->accounts, from);
    *ret_to = jep_table_find(&bank->accounts, to);
    *ret_amount = amount->integer;
    return *ret_from != JEP_NUMBER_NONE && *ret_to != JEP_NUMBER_NONE;
}

static bool sum_up(const struct jep_edn *balances, int64_t *ret_sum)
{
    *ret_sum = 0;
    for (uint32_t i = 0; balances->type == JEP_EDN_MAP && i < balances->count; i++) {
        const struct jep_edn *balance = &balances->items[2 * i + 1];
        if (!jep_sums_is_amount(balance)) {
            return false;
        }
        *ret_sum += balance->integer;
    }
    return balances->type == JEP_EDN_MAP;
}

/* The accounts at the start: as told, or as a read showed them that ended before any transfer
 * began. Without either, the first read tells the accounts and the sum, and no more. */
static void find_accounts(
    struct bank *bank, const struct jep_history *history, const struct jep_check_options *options)
{
    const struct jep_edn *balances = options->accounts;
    bank->has_initial = balances != NULL;
    for (size_t i = 0; i < history->count && balances == NULL; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->process == JEP_NEMESIS) {
            continue;
        }
        if (op->type == JEP_INVOKE && strcmp(op->f, "transfer") == 0) {
            bank->transfers_begun++;
        }
        if (op->type == JEP_OK && strcmp(op->f, "read") == 0 && op->value.type == JEP_EDN_MAP) {
            balances = &op->value;
            bank->has_initial = bank->transfers_begun == 0;
        }
    }
    if (balances == NULL || !sum_up(balances, &bank->total)) {
        return;
    }
    bank->has_total = true;
    bank->initial = jep_alloc(balances->count, sizeof(*bank->initial));
    bank->sums = jep_alloc(balances->count, sizeof(*bank->sums));
    for (uint32_t i = 0; i < balances->count; i++) {
        uint32_t account = jep_table_put(&bank->accounts, &balances->items[2 * i]);
        bank->initial[account] = balances->items[2 * i + 1].integer;
    }
}

static void check_balance(struct bank *bank, const struct jep_op *op, const struct jep_sums *open,
    const struct jep_edn *account, const struct jep_edn *balance)
{
    struct jep_arena *arena = bank->findings.arena;
    uint32_t number = jep_table_find(&bank->accounts, account);
    const char *shown = jep_edn_show(arena, account, 100);
    int64_t low = 0, high = 0, seen = balance->integer;
    if (number == JEP_NUMBER_NONE) {
        jep_found(&bank->findings, JEP_INVALID, "unexpected-account",
            "process %" PRId64 "'s read (until %" PRIu64 ") shows account %s", op->process,
            op->index, shown);
        return;
    }
    if (seen < 0) {
        jep_found(&bank->findings, JEP_INVALID, "negative",
            "process %" PRId64 "'s read (until %" PRIu64 ") shows %" PRId64 " on account %s",
            op->process, op->index, seen, shown);
    }
    if (!bank->has_initial) {
        return;
    }
    jep_sums_interval(&open[number], &bank->sums[number], &low, &high);
    low += bank->initial[number];
    high += bank->initial[number];
    if (seen < low || seen > high) {
        jep_found(&bank->findings, JEP_INVALID, "impossible-balance",
            "process %" PRId64 "'s read (until %" PRIu64 ") shows %" PRId64
            " on account %s, possible were %" PRId64 " to %" PRId64,
            op->process, op->index, seen, shown, low, high);
    }
}

static void end_read(struct bank *bank, const struct jep_op *op, const struct jep_sums *open)
{
    int64_t sum = 0;
    bank->reads++;
    if (!sum_up(&op->value, &sum)) {
        jep_found(&bank->findings, JEP_UNKNOWN, "not-understood",
            "a read ended (%" PRIu64 ") without {account balance, ...}", op->index);
        return;
    }
    for (uint32_t i = 0; i < op->value.count; i++) {
        check_balance(bank, op, open, &op->value.items[2 * i], &op->value.items[2 * i + 1]);
    }
    if (op->value.count < bank->accounts.count) {
        jep_found(&bank->findings, JEP_INVALID, "missing-account",
            "process %" PRId64 "'s read (until %" PRIu64 ") shows %u accounts of %u", op->process,
            op->index, op->value.count, bank->accounts.count);
    } else if (sum != bank->total) {
        jep_found(&bank->findings, JEP_INVALID, "wrong-total",
            "process %" PRId64 "'s read (until %" PRIu64 ") sums up to %" PRId64
            ", there is %" PRId64 ": %s",
            op->process, op->index, sum, bank->total,
            jep_edn_show(bank->findings.arena, &op->value, 300));
    }
}

static void take_op(struct bank *bank, const struct jep_history *history, size_t i)
{
    const struct jep_op *op = &history->ops[i];
    uint32_t pair = history->pairs[i], from = 0, to = 0;
    int64_t amount = 0;
    size_t sums_bytes = bank->accounts.count * sizeof(*bank->sums);
    if (strcmp(op->f, "read") == 0) {
        if (op->type == JEP_INVOKE) {
            bank->open[i] = jep_alloc(1, sums_bytes);
            memcpy(bank->open[i], bank->sums, sums_bytes);
        } else if (op->type == JEP_OK) {
            end_read(bank, op, bank->open[pair]);
        }
        if (op->type != JEP_INVOKE) {
            free(bank->open[pair]);
            bank->open[pair] = NULL;
        }
        return;
    }
    const struct jep_op *invoke = op->type == JEP_INVOKE ? op : &history->ops[pair];
    if (!take_transfer(bank, &invoke->value, &from, &to, &amount)) {
        jep_found(&bank->findings, JEP_UNKNOWN, "not-understood",
            "a transfer (%" PRIu64 ") without accounts and an amount", invoke->index);
    } else if (op->type == JEP_OK) {
        jep_sums_end(&bank->sums[from], -amount);
        jep_sums_end(&bank->sums[to], amount);
    } else if (op->type == JEP_INVOKE &&
               (pair == JEP_UNPAIRED || history->ops[pair].type != JEP_FAIL)) {
        jep_sums_begin(&bank->sums[from], -amount);
        jep_sums_begin(&bank->sums[to], amount);
    }
}

void jep_check_bank(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)limits;
    struct bank bank = {.findings = {.arena = history->arena, .result = ret_result}};
    bank.open = jep_alloc(history->count, sizeof(struct jep_sums *));
    find_accounts(&bank, history, options);
    for (size_t i = 0; i < history->count && bank.has_total; i++) {
        const struct jep_op *op = &history->ops[i];
        if (op->process != JEP_NEMESIS &&
            (strcmp(op->f, "read") == 0 || strcmp(op->f, "transfer") == 0)) {
            take_op(&bank, history, i);
        }
    }
    if (bank.reads == 0) {
        jep_found(&bank.findings, JEP_UNKNOWN, "vacuous", "no balances were read");
    }
    jep_result_put(ret_result, "reads", jep_edn_int((int64_t)bank.reads));
    jep_result_put(ret_result, "accounts", jep_edn_int(bank.accounts.count));
    jep_result_put(ret_result, "total", jep_edn_int(bank.total));
    jep_result_put(ret_result, "each-account-bounded", jep_edn_bool(bank.has_initial));
    jep_findings_put(&bank.findings);
    for (size_t i = 0; i < history->count; i++) {
        free(bank.open[i]);
    }
    free(bank.open);
    free(bank.initial);
    free(bank.sums);
    jep_table_free(&bank.accounts);
}
