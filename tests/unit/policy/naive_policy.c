#include "tests/unit/policy/naive_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A condition is 'T', 'F', or 'E' where something that it asks for is not there. */
typedef char answer;

/* --- words -------------------------------------------------------------------------------- */

static void add_word(struct naive_line *line, const char *start, size_t size, bool is_quoted)
{
    char *word = line->words[line->count++];
    (void)snprintf(word, sizeof(line->words[0]), "%s%.*s", is_quoted ? "'" : "", (int)size, start);
}

void naive_parse(const char *text, struct naive_policy *ret_policy)
{
    memset(ret_policy, 0, sizeof(*ret_policy));
    while (*text != '\0') {
        struct naive_line *line = &ret_policy->lines[ret_policy->count];
        const char *end = strchr(text, '\n');
        while (text < end && *text != '#') {
            if (*text == ' ') {
                text++;
            } else if (*text == '"') {
                const char *close = strchr(text + 1, '"');
                add_word(line, text + 1, (size_t)(close - text - 1), true);
                text = close + 1;
            } else if (*text == ',') {
                add_word(line, text++, 1, false);
            } else {
                size_t size = strcspn(text, " ,\n");
                add_word(line, text, size, false);
                text += size;
            }
        }
        text = end + 1;
        ret_policy->count += line->count > 0 ? 1 : 0;
    }
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *unquoted(const char *word)
{
    return *word == '\'' ? word + 1 : word;
}

/* The words of a statement's clause; -1: it has none. Statements begin with their kind. */
static bool is_start(const struct naive_line *line)
{
    static const char *const starts[] = {
        "permit", "forbid", "require", "group", "scope", "policy", "prev", "valid"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (is(line->words[0], starts[i])) {
            return true;
        }
    }
    return false;
}

static const struct naive_line *clause(
    const struct naive_policy *policy, int statement, const char *name, int nth)
{
    for (int i = statement + 1; i < policy->count && !is_start(&policy->lines[i]); i++) {
        if (is(policy->lines[i].words[0], name) && nth-- == 0) {
            return &policy->lines[i];
        }
    }
    return NULL;
}

static const struct naive_line *definition(
    const struct naive_policy *policy, const char *what, const char *name)
{
    for (int i = 0; i < policy->count; i++) {
        if (is(policy->lines[i].words[0], what) && is(policy->lines[i].words[1], name)) {
            return &policy->lines[i];
        }
    }
    return NULL;
}

/* --- patterns ----------------------------------------------------------------------------- */

/* A star is any run of bytes within a segment; what is left of the pattern may be "/...". */
static bool glob(const char *pattern, const char *text)
{
    if (is(pattern, "...") || (is(pattern, "/...") && (*text == '\0' || *text == '/'))) {
        return true;
    }
    if (*pattern == '*') {
        for (const char *rest = text;; rest++) {
            if (glob(pattern + 1, rest)) {
                return true;
            }
            if (*rest == '\0' || *rest == '/') {
                return false;
            }
        }
    }
    if (*pattern != *text) {
        return false;
    }
    return *pattern == '\0' || glob(pattern + 1, text + 1);
}

static bool is_at_or_below(const char *place, const char *asset)
{
    char pattern[128];
    (void)snprintf(pattern, sizeof(pattern), "%s/...", place);
    return *place == '\0' || glob(pattern, asset);
}

/* --- who ---------------------------------------------------------------------------------- */

static bool is_foreign(const struct naive_request *r, const struct naive_person *who)
{
    return !is(r->org, who->org);
}

static answer yes(bool holds)
{
    return holds ? 'T' : 'F';
}

static answer compare(long left, const char *op, long right)
{
    return yes(is(op, "=") ? left == right : is(op, ">=") ? left >= right : left <= right);
}

static char type_of(const char *value)
{
    if (*value == '\'') {
        return 't';
    }
    if (is(value, "true") || is(value, "false")) {
        return 'b';
    }
    return strspn(value, "-0123456789") == strlen(value) ? 'i' : 't';
}

static answer attr(
    const struct naive_request *r, const struct naive_person *who, const char *const *words)
{
    if (is_foreign(r, who)) {
        return 'E';
    }
    for (int i = 0; i < NAIVE_FEW && who->attrs[i].key != NULL; i++) {
        const char *value = who->attrs[i].value;
        if (!is(who->attrs[i].key, words[0])) {
            continue;
        }
        if (type_of(value) != type_of(words[2])) {
            return 'E';
        }
        if (type_of(value) == 'i') {
            return compare(strtol(value, NULL, 10), words[1], strtol(words[2], NULL, 10));
        }
        return yes(is(unquoted(value), unquoted(words[2])));
    }
    return 'E';
}

static bool has_role(const struct naive_person *who, const char *role, const char *place)
{
    for (int i = 0; i < NAIVE_FEW && who->roles[i].name != NULL; i++) {
        if (is(who->roles[i].name, role) &&
            (place == NULL || is_at_or_below(who->roles[i].place, place))) {
            return true;
        }
    }
    return false;
}

static answer either(answer a, answer b)
{
    return a == 'T' || b == 'T' ? 'T' : a == 'E' || b == 'E' ? 'E' : 'F';
}

static answer both(answer a, answer b)
{
    return a == 'F' || b == 'F' ? 'F' : a == 'E' || b == 'E' ? 'E' : 'T';
}

static answer negated(answer a)
{
    return a == 'T' ? 'F' : a == 'F' ? 'T' : 'E';
}

struct reader {
    const struct naive_policy *policy;
    const struct naive_request *request;
    const struct naive_line *line;
    int at; /* The next word. */
};

static const char *take(struct reader *r)
{
    return r->line->words[r->at++];
}

static bool next_is(const struct reader *r, const char *word)
{
    return r->at < r->line->count && is(r->line->words[r->at], word);
}

static answer who_term(struct reader *r, const struct naive_person *who);

static answer group(const struct reader *r, const char *name, const struct naive_person *who)
{
    struct reader inner = {r->policy, r->request, definition(r->policy, "group", name), 3};
    answer found = 'F';
    while (inner.at < inner.line->count) {
        found = either(found, who_term(&inner, who));
        inner.at++; /* The comma. */
    }
    return found;
}

static answer attr_term(struct reader *r, const struct naive_person *who)
{
    const char *words[3] = {take(r), NULL, NULL};
    words[1] = take(r);
    words[2] = take(r);
    return attr(r->request, who, words);
}

static answer class_term(struct reader *r, const char *class, const struct naive_person *who)
{
    char site[64];
    const char *name = take(r);
    const char *slash = strchr(name, '/');
    (void)snprintf(site, sizeof(site), "%s", r->request->site);
    if (slash != NULL) {
        (void)snprintf(site, sizeof(site), "%.*s", (int)(slash - name), name);
        name = slash + 1;
    }
    return yes(!is_foreign(r->request, who) && is(who->class, class) && is(who->name, name) &&
               is(who->site, site));
}

static answer who_term(struct reader *r, const struct naive_person *who)
{
    const char *word = take(r);
    if (is(word, "any")) {
        return 'T';
    }
    if (is(word, "op") || is(word, "svc") || is(word, "gw") || is(word, "node") ||
        is(word, "wit")) {
        return class_term(r, word, who);
    }
    if (is(word, "role")) {
        const char *role = take(r);
        const char *place = NULL;
        if (next_is(r, "@")) {
            r->at++;
            place = take(r);
        }
        return yes(!is_foreign(r->request, who) && has_role(who, role, place));
    }
    if (is(word, "partner")) {
        const char *org = take(r);
        const char *role = NULL;
        if (next_is(r, "role")) {
            r->at++;
            role = take(r);
        }
        return yes(is_foreign(r->request, who) && is(who->org, org) &&
                   (role == NULL || has_role(who, role, NULL)));
    }
    if (is(word, "attr")) {
        return attr_term(r, who);
    }
    return group(r, word, who);
}

/* Foreign principals match only `partner` selectors: what permits reaches them by nothing else. */
static answer who_clause(const struct naive_policy *policy, const struct naive_request *request,
    int statement, bool is_permit)
{
    struct reader r = {policy, request, clause(policy, statement, "who", 0), 1};
    bool is_out = is_permit && is_foreign(request, request->who);
    answer found = 'F';
    if (r.line == NULL) {
        return 'T';
    }
    if (next_is(&r, "not")) {
        r.at++;
        return is_out ? 'F' : negated(who_term(&r, request->who));
    }
    while (r.at < r.line->count) {
        bool is_any = next_is(&r, "any");
        answer one = who_term(&r, request->who);
        found = either(found, is_any && is_out ? 'F' : one);
    }
    return found;
}

/* --- on ----------------------------------------------------------------------------------- */

static answer matches(const char *pattern, const char *fact)
{
    if (fact == NULL) {
        return 'E';
    }
    return yes(*fact != '\0' && glob(unquoted(pattern), fact));
}

static answer label(const struct naive_request *request, const char *pattern)
{
    answer found = request->knows_labels ? 'F' : 'E';
    for (int i = 0; i < NAIVE_FEW && request->knows_labels && request->labels[i] != NULL; i++) {
        found = either(found, matches(pattern, request->labels[i]));
    }
    return found;
}

static answer tier(const struct naive_request *request, const char *op, const char *value)
{
    if (request->tier == NULL) {
        return 'E';
    }
    if (*request->tier == '\0') {
        return 'F';
    }
    return compare(strtol(request->tier, NULL, 10), op, strtol(value, NULL, 10));
}

static answer on_term(struct reader *r)
{
    const struct naive_request *request = r->request;
    const char *word = take(r);
    if (is(word, "not")) {
        return negated(on_term(r));
    }
    if (is(word, "asset")) {
        return matches(take(r), request->asset);
    }
    if (is(word, "kind")) {
        return matches(take(r), request->kind);
    }
    if (is(word, "verb")) {
        return matches(take(r), request->verb);
    }
    if (is(word, "label")) {
        return label(request, take(r));
    }
    if (is(word, "tier")) {
        const char *op = take(r);
        return tier(request, op, take(r));
    }
    struct reader inner = {r->policy, request, definition(r->policy, "scope", word), 3};
    answer found = 'F';
    while (inner.at < inner.line->count) {
        found = either(found, on_term(&inner));
        inner.at++;
    }
    return found;
}

static answer on_clause(
    const struct naive_policy *policy, const struct naive_request *request, int statement)
{
    struct reader r = {policy, request, clause(policy, statement, "on", 0), 1};
    answer found = 'T';
    while (r.line != NULL && r.at < r.line->count) {
        found = both(found, on_term(&r));
    }
    return found;
}

/* --- when --------------------------------------------------------------------------------- */

static int day_number(const char *name)
{
    static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    for (int i = 0; i < 7; i++) {
        if (strncmp(name, days[i], 3) == 0) {
            return i;
        }
    }
    return -1;
}

static bool has_day(const struct reader *days, int day)
{
    for (int i = days->at; i < days->line->count; i++) {
        const char *word = days->line->words[i];
        const char *dots = strstr(word, "..");
        int last = day_number(dots != NULL ? dots + 2 : word);
        for (int d = is(word, ",") ? -1 : day_number(word); d >= 0; d = (d + 1) % 7) {
            if (d == day) {
                return true;
            }
            if (d == last) {
                break;
            }
        }
    }
    return days->at == days->line->count;
}

static answer time_term(struct reader *r)
{
    int from_h, from_m, to_h, to_m, off_h = 0, off_m = 0;
    char sign = '+';
    (void)sscanf(take(r), "%d:%d..%d:%d", &from_h, &from_m, &to_h, &to_m); /* NOLINT */
    (void)sscanf(take(r), "%c%d:%d", &sign, &off_h, &off_m);               /* NOLINT */
    time_t local = (time_t)r->request->time_s;
    local += (sign == '-' ? -1 : 1) * (off_h * 3600 + off_m * 60);
    struct tm now;
    (void)gmtime_r(&local, &now);
    int minute = now.tm_hour * 60 + now.tm_min;
    int from = from_h * 60 + from_m;
    int to = to_h * 60 + to_m;
    bool today = has_day(r, now.tm_wday);
    bool yesterday = has_day(r, (now.tm_wday + 6) % 7);
    if (from < to) {
        return yes(today && minute >= from && minute < to);
    }
    return yes((today && minute >= from) || (yesterday && minute < to));
}

static answer agreement_term(struct reader *r)
{
    const char *name = take(r);
    const char *op = take(r);
    const char *version = take(r);
    for (int i = 0; i < NAIVE_FEW && r->request->agreements[i].name != NULL; i++) {
        if (is(r->request->agreements[i].name, name)) {
            return compare(r->request->agreements[i].version, op, strtol(version, NULL, 10));
        }
    }
    return 'E';
}

static answer when_clauses(
    const struct naive_policy *policy, const struct naive_request *request, int statement)
{
    answer found = 'T';
    const struct naive_line *line;
    for (int nth = 0; (line = clause(policy, statement, "when", nth)) != NULL; nth++) {
        struct reader r = {policy, request, line, 1};
        bool is_not = next_is(&r, "not");
        r.at += is_not ? 1 : 0;
        const char *word = take(&r);
        answer one = is(word, "time")   ? time_term(&r)
                     : is(word, "attr") ? attr_term(&r, request->who)
                                        : agreement_term(&r);
        found = both(found, is_not ? negated(one) : one);
    }
    return found;
}

/* --- statements --------------------------------------------------------------------------- */

static answer statement_holds(
    const struct naive_policy *policy, const struct naive_request *request, int statement)
{
    const struct naive_line *actions = clause(policy, statement, "do", 0);
    answer found = 'F';
    for (int i = 1; i < actions->count; i++) {
        if (is(actions->words[i], "any") || is(actions->words[i], request->action)) {
            found = 'T';
        }
    }
    bool is_permit = is(policy->lines[statement].words[0], "permit");
    found = both(found, who_clause(policy, request, statement, is_permit));
    found = both(found, on_clause(policy, request, statement));
    return both(found, when_clauses(policy, request, statement));
}

static bool is_one_person(const struct naive_person *a, const struct naive_person *b)
{
    return a == b || (*a->person != '\0' && is(a->person, b->person));
}

static long seconds(const char *duration)
{
    char *unit;
    long number = strtol(duration, &unit, 10);
    return number * (*unit == 'd' ? 86400 : *unit == 'h' ? 3600 : *unit == 'm' ? 60 : 1);
}

static bool need_is_met(
    const struct naive_policy *policy, const struct naive_request *request, int statement)
{
    struct reader r = {policy, request, clause(policy, statement, "need", 0), 3};
    const struct naive_person *counted[NAIVE_FEW];
    bool not_proposer = false, distinct = false;
    long within = -1;
    int count = 0;
    if (r.line == NULL) {
        return true;
    }
    (void)who_term(&r, request->who);
    for (int i = r.at; i < r.line->count; i++) {
        not_proposer = not_proposer || is(r.line->words[i], "proposer");
        distinct = distinct || is(r.line->words[i], "distinct-persons");
        within = is(r.line->words[i], "within") ? seconds(r.line->words[i + 1]) : within;
    }
    for (int i = 0; i < NAIVE_FEW && request->approvals[i].who != NULL; i++) {
        const struct naive_approval *a = &request->approvals[i];
        struct reader g = {policy, request, r.line, 3};
        bool is_good = is(a->who->class, "op") && a->time_s <= request->time_s &&
                       (within < 0 || a->time_s >= request->time_s - within) &&
                       !(not_proposer && is_one_person(a->who, request->who)) &&
                       who_term(&g, a->who) == 'T';
        for (int j = 0; j < count; j++) {
            is_good =
                is_good && (distinct ? !is_one_person(a->who, counted[j]) : a->who != counted[j]);
        }
        if (is_good) {
            counted[count++] = a->who;
        }
    }
    return count >= strtol(r.line->words[1], NULL, 10);
}

static bool envelope_is_met(
    const struct naive_policy *policy, const struct naive_request *request, int statement)
{
    const struct naive_line *line = clause(policy, statement, "envelope", 0);
    return line == NULL || is(line->words[1], request->envelope);
}

static bool is_in_force(const struct naive_policy *policy, const struct naive_request *request)
{
    for (int i = 0; i < policy->count && !is(request->action, "admin-policy"); i++) {
        if (is(policy->lines[i].words[0], "valid")) {
            struct tm from = {.tm_mday = 1}, to = {.tm_mday = 1};
            (void)strptime(policy->lines[i].words[1], "%Y-%m-%dT%H:%M:%SZ", &from);
            (void)strptime(policy->lines[i].words[3], "%Y-%m-%dT%H:%M:%SZ", &to);
            return request->time_s >= timegm(&from) && request->time_s <= timegm(&to);
        }
    }
    return true;
}

const char *naive_decide(const struct naive_policy *policy, const struct naive_request *request)
{
    bool is_permitted = false, is_forbidden = false, is_met = true;
    if (!is_in_force(policy, request)) {
        return "not-in-force";
    }
    for (int i = 0; i < policy->count; i++) {
        const char *kind = policy->lines[i].words[0];
        if (is(kind, "permit")) {
            is_permitted = is_permitted || statement_holds(policy, request, i) == 'T';
        } else if (is(kind, "forbid")) {
            is_forbidden = is_forbidden || statement_holds(policy, request, i) != 'F';
        } else if (is(kind, "require") && statement_holds(policy, request, i) != 'F') {
            is_met =
                is_met && need_is_met(policy, request, i) && envelope_is_met(policy, request, i);
        }
    }
    if (is_forbidden) {
        return "forbid";
    }
    if (!is_permitted) {
        return "no-permit";
    }
    if (is_foreign(request, request->who) && !request->is_agreed) {
        return "no-agreement";
    }
    return is_met ? "allow" : "needs";
}

/* A pattern is of a value, and of whatever is in it. */
static bool names_field(const struct naive_line *line, int first, const char *field)
{
    for (int i = first; i < line->count; i++) {
        char below[128];
        (void)snprintf(below, sizeof(below), "%s/...", unquoted(line->words[i]));
        if (glob(unquoted(line->words[i]), field) || glob(below, field)) {
            return true;
        }
    }
    return false;
}

bool naive_shows(
    const struct naive_policy *policy, const struct naive_request *request, const char *field)
{
    bool is_shown = false, is_hidden = false;
    for (int i = 0; i < policy->count; i++) {
        const char *kind = policy->lines[i].words[0];
        bool is_permit = is(kind, "permit");
        if (!is_permit && !is(kind, "require")) {
            continue;
        }
        answer holds = statement_holds(policy, request, i);
        if (holds == 'F' || (holds == 'E' && is_permit)) {
            continue;
        }
        const struct naive_line *only = clause(policy, i, "only", 0);
        const struct naive_line *hide = clause(policy, i, "hide", 0);
        is_shown = is_shown || (is_permit && (only == NULL || names_field(only, 2, field)));
        is_hidden = is_hidden || (hide != NULL && names_field(hide, 1, field));
    }
    return is_shown && !is_hidden;
}
