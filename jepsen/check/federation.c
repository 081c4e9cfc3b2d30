#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jepsen/check/check.h"
#include "jepsen/check/federation.h"

/* Organizations that share what they inspect (`:inspect`), by what each of them says at the end
 * (`:account`) of what it stated, what it was told, and what both come to; by how far their streams
 * were seen to have come meanwhile (`:stream`, in federation_tide.c). */

enum {
    STATEMENTS_MIN = 20, /* as for any operation: JEP-17 */
    ROW_ITEMS = 5        /* digest, unit, e, verdict, what is shown and hidden */
};

/* --- values ------------------------------------------------------------------------------ */

int64_t jep_federation_int(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && jep_edn_is_int(found) ? found->integer : -1;
}

static const char *text_in(const struct jep_edn *map, const char *key)
{
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && found->type == JEP_EDN_STRING ? found->text : "";
}

static const struct jep_edn *vector_in(const struct jep_edn *map, const char *key)
{
    static const struct jep_edn none = {.type = JEP_EDN_VECTOR};
    const struct jep_edn *found = jep_edn_get(map, key);
    return found != NULL && found->type == JEP_EDN_VECTOR ? found : &none;
}

static bool is_statement(const struct jep_edn *row)
{
    return jep_edn_is_vector(row, ROW_ITEMS) && row->items[0].type == JEP_EDN_STRING &&
           jep_edn_is_int(&row->items[1]) && jep_edn_is_int(&row->items[2]) &&
           row->items[3].type == JEP_EDN_STRING && row->items[4].type == JEP_EDN_STRING;
}

/* As NIST's boxes are judged; an unknown word is as bad as the worst. */
static int severity(const char *verdict)
{
    static const char *const words[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK"};
    int i = 0;
    while (i < 3 && strcmp(words[i], verdict) != 0) {
        i++;
    }
    return i;
}

/* --- gathering --------------------------------------------------------------------------- */

/* NULL: nobody stated it. */
static const struct jep_span *statement_of(const struct jep_federation *f, int64_t e)
{
    return e >= 0 && e < f->e_end ? f->statements[e] : NULL;
}

static void take_spans(struct jep_federation *f)
{
    int64_t most = -1;
    for (size_t i = 0; i < f->span_count; i++) {
        int64_t e = jep_federation_int(&f->spans[i].invoke->value, "e");
        most =
            jep_span_is(&f->spans[i], "inspect") && e > most && e < JEP_FEDERATION_E_MAX ? e : most;
    }
    f->e_end = most + 1;
    f->statements = jep_alloc((size_t)f->e_end + 1, sizeof(struct jep_span *));
    memset(f->statements, 0, ((size_t)f->e_end + 1) * sizeof(struct jep_span *));
    for (size_t i = 0; i < f->span_count; i++) {
        const struct jep_span *span = &f->spans[i];
        int64_t e = jep_federation_int(&span->invoke->value, "e");
        if (jep_span_is(span, "account") && span->type == JEP_OK &&
            f->account_count < JEP_FEDERATION_ACCOUNTS_MAX) {
            f->accounts[f->account_count++] = span->value;
        } else if (jep_span_is(span, "inspect") && e >= 0 && e < f->e_end) {
            f->statements[e] = span;
        }
    }
}

/* Of the other side of the agreement; NULL: it was not told. */
static const struct jep_edn *other_account(
    const struct jep_federation *f, const struct jep_edn *account)
{
    for (size_t i = 0; i < f->account_count; i++) {
        const struct jep_edn *b = f->accounts[i];
        if (jep_federation_int(b, "agreement") == jep_federation_int(account, "agreement") &&
            jep_federation_int(b, "site") == jep_federation_int(account, "other")) {
            return b;
        }
    }
    return NULL;
}

/* --- what a site stated ------------------------------------------------------------------ */

/* It may be behind a backup that the site came back from: gone, or told it once more by a client
 * that repeats what was acknowledged. */
static bool may_be_forgotten(
    const struct jep_federation *f, int64_t site, const struct jep_span *span)
{
    return span->end != NULL ? jep_federation_may_lose(f, site, span->end->time_ns)
                             : jep_federation_may_lose(f, site, span->invoke->time_ns);
}

/* Each row is a statement that a client made there, and no other. */
static void judge_row(struct jep_federation *f, const struct jep_edn *account,
    const struct jep_edn *row, int64_t place, int64_t *places)
{
    int64_t site = jep_federation_int(account, "site"), e = row->items[2].integer;
    const struct jep_span *span = statement_of(f, e);
    if (span == NULL || jep_federation_int(&span->invoke->value, "site") != site) {
        jep_found(&f->findings, JEP_INVALID, "from-nowhere",
            "site %" PRId64 " states %s at %" PRId64 ", and no client did", site,
            jep_edn_show(f->findings.arena, row, 120), place);
        return;
    }
    if (span->type == JEP_FAIL) {
        jep_found(&f->findings, JEP_INVALID, "failed-but-stated", "%s is at %" PRId64,
            jep_span_words(f->findings.arena, span), place);
    }
    if (places[e] >= 0 && !may_be_forgotten(f, site, span)) {
        jep_found(&f->findings, JEP_INVALID, "twice", "%s is at %" PRId64 " and at %" PRId64,
            jep_span_words(f->findings.arena, span), places[e], place);
    }
    places[e] = place;
}

/* Whoever was told that it is there finds it, in the order in which it was. */
static void judge_presence(
    struct jep_federation *f, const struct jep_edn *account, const int64_t *places)
{
    int64_t site = jep_federation_int(account, "site");
    for (int64_t e = 0; e < f->e_end; e++) {
        const struct jep_span *span = f->statements[e];
        if (span != NULL && span->type == JEP_OK && places[e] < 0 &&
            jep_federation_int(&span->invoke->value, "site") == site &&
            !may_be_forgotten(f, site, span)) {
            jep_found(&f->findings, JEP_INVALID, "lost",
                "%s was acknowledged, and is not in what site %" PRId64 " stated",
                jep_span_words(f->findings.arena, span), site);
        }
    }
}

static void judge_order(struct jep_federation *f, const struct jep_edn *sent, const int64_t *places)
{
    const struct jep_span *earliest = NULL; /* by its end, of all behind */
    for (uint32_t i = sent->count; i-- > 0;) {
        const struct jep_edn *row = &sent->items[i];
        const struct jep_span *span =
            is_statement(row) ? statement_of(f, row->items[2].integer) : NULL;
        if (span == NULL || places[row->items[2].integer] != (int64_t)i ||
            may_be_forgotten(f, jep_federation_int(&span->invoke->value, "site"), span)) {
            continue;
        }
        if (earliest != NULL && jep_span_until(earliest) < jep_span_from(span)) {
            jep_found(&f->findings, JEP_INVALID, "out-of-order", "%s is behind %s",
                jep_span_words(f->findings.arena, earliest),
                jep_span_words(f->findings.arena, span));
        }
        earliest =
            earliest == NULL || jep_span_until(span) < jep_span_until(earliest) ? span : earliest;
    }
}

static void judge_sent(struct jep_federation *f, const struct jep_edn *account)
{
    const struct jep_edn *sent = vector_in(account, "sent");
    int64_t *places = jep_alloc((size_t)f->e_end + 1, sizeof(*places));
    for (int64_t e = 0; e < f->e_end; e++) {
        places[e] = -1;
    }
    for (uint32_t i = 0; i < sent->count; i++) {
        if (is_statement(&sent->items[i])) {
            f->crossed++;
            judge_row(f, account, &sent->items[i], i, places);
        }
    }
    judge_presence(f, account, places);
    judge_order(f, sent, places);
    free(places);
}

/* --- what the other was told ------------------------------------------------------------- */

static int by_digest(const void *x, const void *y)
{
    const struct jep_edn *const *a = x, *const *b = y;
    return strcmp((*a)->items[0].text, (*b)->items[0].text);
}

static void judge_twice(
    struct jep_federation *f, const struct jep_edn *account, const struct jep_edn *rows)
{
    const struct jep_edn **sorted = jep_alloc((size_t)rows->count + 1, sizeof(*sorted));
    size_t count = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (is_statement(&rows->items[i])) {
            sorted[count++] = &rows->items[i];
        }
    }
    qsort(sorted, count, sizeof(*sorted), by_digest);
    for (size_t i = 1; i < count; i++) {
        if (by_digest(&sorted[i - 1], &sorted[i]) == 0) {
            jep_found(&f->findings, JEP_INVALID, "taken-twice",
                "site %" PRId64 " has twice what it was told: %s",
                jep_federation_int(account, "site"),
                jep_edn_show(f->findings.arena, sorted[i], 120));
        }
    }
    free(sorted);
}

static void judge_received(
    struct jep_federation *f, const struct jep_edn *account, const struct jep_edn *provider)
{
    const struct jep_edn *sent = vector_in(provider, "sent");
    const struct jep_edn *received = vector_in(account, "received");
    int64_t site = jep_federation_int(account, "site");
    uint32_t both = sent->count < received->count ? sent->count : received->count;
    for (uint32_t i = 0; i < both; i++) {
        if (!jep_edn_equal(&sent->items[i], &received->items[i])) {
            jep_found(&f->findings, JEP_INVALID, "other-leaf",
                "at %u site %" PRId64 " has %s, what was stated is %s", i, site,
                jep_edn_show(f->findings.arena, &received->items[i], 120),
                jep_edn_show(f->findings.arena, &sent->items[i], 120));
            break;
        }
    }
    if (sent->count != received->count) {
        jep_found(&f->findings, JEP_INVALID,
            sent->count > received->count ? "not-received" : "received-from-nowhere",
            "site %" PRId64 " has %u leaves of the %u that were stated", site, received->count,
            sent->count);
    }
    judge_twice(f, account, received);
}

/* --- what is hidden ---------------------------------------------------------------------- */

static void judge_leaks(struct jep_federation *f, const struct jep_edn *account)
{
    const struct jep_edn *received = vector_in(account, "received");
    const struct jep_edn *leaks = vector_in(account, "leaks");
    for (uint32_t i = 0; i < received->count; i++) {
        const struct jep_edn *row = &received->items[i];
        if (is_statement(row) && row->items[4].count > 0) {
            jep_found(&f->findings, JEP_INVALID, "leak",
                "site %" PRId64 " was shown %s, which is hidden from it",
                jep_federation_int(account, "site"), row->items[4].text);
        }
    }
    for (uint32_t i = 0; i < leaks->count; i++) {
        jep_found(&f->findings, JEP_INVALID, "leak",
            "bytes that are hidden from site %" PRId64 " are in %s",
            jep_federation_int(account, "site"),
            jep_edn_show(f->findings.arena, &leaks->items[i], 200));
    }
}

/* --- what both come to ------------------------------------------------------------------- */

/* Of one unit: the worst verdict, and whether the two sides differ. */
struct meeting {
    int worst, mildest;
    unsigned sides; /* bits: who said anything */
};

static void meet(struct meeting *m, const struct jep_edn *rows, int64_t unit, unsigned side)
{
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct jep_edn *row = &rows->items[i];
        if (!is_statement(row) || row->items[1].integer != unit) {
            continue;
        }
        int s = severity(row->items[3].text);
        m->worst = m->sides == 0 || s > m->worst ? s : m->worst;
        m->mildest = m->sides == 0 || s < m->mildest ? s : m->mildest;
        m->sides |= side;
    }
}

static void judge_cell(
    struct jep_federation *f, const struct jep_edn *account, const struct jep_edn *cell)
{
    static const char *const words[] = {"PASS", "CONDITIONAL", "FAIL", "BLOCK"};
    struct meeting m = {.sides = 0};
    if (!jep_edn_is_vector(cell, 3) || !jep_edn_is_int(&cell->items[0]) ||
        cell->items[1].type != JEP_EDN_STRING || cell->items[2].type != JEP_EDN_STRING) {
        jep_found(&f->findings, JEP_UNKNOWN, "not-understood", "%s",
            jep_edn_show(f->findings.arena, cell, 120));
        return;
    }
    meet(&m, vector_in(account, "sent"), cell->items[0].integer, 1);
    meet(&m, vector_in(account, "received"), cell->items[0].integer, 2);
    bool is_disputed = m.sides == 3 && m.worst != m.mildest;
    f->disputed += is_disputed ? 1 : 0;
    if (strcmp(cell->items[1].text, words[m.worst]) != 0) {
        jep_found(&f->findings, JEP_INVALID, "other-value",
            "unit %" PRId64 " is %s by what was said of it, site %" PRId64 " holds it for %s",
            cell->items[0].integer, words[m.worst], jep_federation_int(account, "site"),
            cell->items[1].text);
    }
    if ((strcmp(cell->items[2].text, "disputed") == 0) != is_disputed) {
        jep_found(&f->findings, JEP_INVALID, "other-dispute",
            "unit %" PRId64 " is %sdisputed by what was said of it, site %" PRId64 " says %s",
            cell->items[0].integer, is_disputed ? "" : "not ", jep_federation_int(account, "site"),
            cell->items[2].text);
    }
}

static void judge_shared(
    struct jep_federation *f, const struct jep_edn *account, const struct jep_edn *other)
{
    const struct jep_edn *cells = vector_in(account, "cells");
    for (uint32_t i = 0; i < cells->count; i++) {
        judge_cell(f, account, &cells->items[i]);
    }
    if (strcmp(text_in(account, "shared"), text_in(other, "shared")) != 0) {
        jep_found(&f->findings, JEP_INVALID, "other-digest",
            "site %" PRId64 " comes to %s, site %" PRId64 " to %s",
            jep_federation_int(account, "site"), text_in(account, "shared"),
            jep_federation_int(other, "site"), text_in(other, "shared"));
    }
}

/* --- what is held meanwhile -------------------------------------------------------------- */

/* The worst that is known to be said of a unit at a site by some moment: statements that were
 * acknowledged there, and what a look had shown. */
static int worst_before(const struct jep_federation *f, const struct jep_span *look)
{
    const struct jep_edn *asked = look->value;
    int worst = -1;
    for (size_t i = 0; i < f->span_count; i++) {
        const struct jep_span *s = &f->spans[i];
        bool is_statement = jep_span_is(s, "inspect");
        if (s->type != JEP_OK || !jep_span_before(s, look) ||
            !(is_statement || jep_span_is(s, "look")) ||
            jep_federation_int(s->value, "unit") != jep_federation_int(asked, "unit") ||
            jep_federation_int(s->value, "site") != jep_federation_int(asked, "site") ||
            may_be_forgotten(f, jep_federation_int(asked, "site"), s) ||
            jep_federation_may_owe(f, jep_federation_int(asked, "site"),
                jep_federation_int(asked, "agreement"), s->end->time_ns, look->invoke->time_ns)) {
            continue;
        }
        bool is_other = !is_statement && jep_federation_int(s->value, "agreement") !=
                                             jep_federation_int(asked, "agreement");
        const char *verdict = text_in(s->value, "verdict");
        int said = is_other || verdict[0] == '\0' ? -1 : severity(verdict);
        worst = said > worst ? said : worst;
    }
    return worst;
}

static void judge_looks(struct jep_federation *f)
{
    for (size_t i = 0; i < f->span_count; i++) {
        const struct jep_span *look = &f->spans[i];
        if (!jep_span_is(look, "look") || look->type != JEP_OK) {
            continue;
        }
        const char *verdict = text_in(look->value, "verdict");
        int shown = verdict[0] == '\0' ? -1 : severity(verdict), known = worst_before(f, look);
        f->looks++;
        if (shown < known) {
            jep_found(&f->findings, JEP_INVALID, "milder",
                "%s, though a worse verdict was known there before",
                jep_span_words(f->findings.arena, look));
        }
    }
}

/* --- all of it --------------------------------------------------------------------------- */

static void judge_account(struct jep_federation *f, const struct jep_edn *account)
{
    const struct jep_edn *even = jep_edn_get(account, "even");
    const struct jep_edn *other = other_account(f, account);
    judge_sent(f, account);
    judge_leaks(f, account);
    if (other == NULL) {
        jep_found(&f->findings, JEP_UNKNOWN, "not-told",
            "what the other side of agreement %" PRId64 " says",
            jep_federation_int(account, "agreement"));
        return;
    }
    judge_received(f, account, other);
    judge_shared(f, account, other);
    if (even == NULL || even->type != JEP_EDN_BOOL || !even->boolean) {
        jep_found(&f->findings, JEP_INVALID, "not-even",
            "the sites of agreement %" PRId64 " did not come to the same in peace",
            jep_federation_int(account, "agreement"));
    }
}

void jep_check_federation(struct jep_history *history, const struct jep_check_options *options,
    struct jep_limits *limits, struct jep_result *ret_result)
{
    (void)limits;
    struct jep_federation *f = jep_alloc(1, sizeof(*f));
    memset(f, 0, sizeof(*f));
    f->history = history;
    f->findings = (struct jep_findings){.arena = history->arena, .result = ret_result};
    f->faults = jep_faults_find(history);
    f->span_count = jep_spans(history, &f->spans);
    take_spans(f);
    for (size_t i = 0; i < f->account_count; i++) {
        judge_account(f, f->accounts[i]);
    }
    if (f->account_count == 0) {
        jep_found(&f->findings, JEP_UNKNOWN, "vacuous", "no site gave an account");
    } else if (f->crossed < STATEMENTS_MIN && !options->is_coverage_off) {
        jep_found(&f->findings, JEP_UNKNOWN, "too-few", "%" PRId64 " statements", f->crossed);
    }
    judge_looks(f);
    jep_federation_judge_tides(f, options, ret_result);
    jep_result_put(ret_result, "statements", jep_edn_int(f->crossed));
    jep_result_put(ret_result, "disputed", jep_edn_int(f->disputed));
    jep_findings_put(&f->findings);
    jep_faults_free(&f->faults);
    free(f->statements);
    free(f->spans);
    free(f);
}
