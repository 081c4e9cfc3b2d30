#include "policy/command/envelope_note.h"

#include <inttypes.h>

#include "policy/note.h"
#include "proto/check.h"

static const char *const parties[WEFT_ENVELOPE_PARTIES] = {
    [WEFT_ENVELOPE_BUILDER] = "builder",
    [WEFT_ENVELOPE_SITE] = "site",
    [WEFT_ENVELOPE_PARTNER] = "partner",
};

const char *weft_envelope_party_name(enum weft_envelope_party party)
{
    weft_assert((unsigned)party < WEFT_ENVELOPE_PARTIES); /* ACT-1 */
    return parties[party];
}

bool weft_envelope_note_is_about(
    const struct weft_envelope_note *envelope, struct weft_text target, struct weft_text verb)
{
    struct weft_text own = envelope->target;
    bool is_tree = own.size > 4 && memcmp(own.data + own.size - 4, "/...", 4) == 0;
    size_t stem = own.size - 4;
    bool is_target = is_tree ? target.size > stem && memcmp(target.data, own.data, stem) == 0 &&
                                   target.data[stem] == '/'
                             : weft_text_equal(own, target);
    for (uint32_t i = 0; is_target && i < envelope->verb_count; i++) {
        if (weft_text_equal(envelope->verbs[i], verb)) {
            return true;
        }
    }
    return false;
}

/* --- lines of lists -------------------------------------------------------------------------- */

typedef bool parse_line(struct weft_text value, void *ret_item);
typedef enum weft_err format_line(const void *item, struct weft_buffer *out);
typedef int compare_lines(const void *a, const void *b);

/* How a list stands in the text. */
struct list {
    const char *key;
    size_t size; /* Of an item. */
    parse_line *parse;
    format_line *format;
    compare_lines *compare;
    const char *form; /* For people. */
};

/* "NAME rest". */
static bool cut_name(struct weft_text *rest, struct weft_text *ret_name)
{
    return weft_text_cut(rest, ' ', ret_name) && weft_scalar_is_word(*ret_name);
}

static bool cut_number(struct weft_text *rest, int64_t *ret_number)
{
    struct weft_text number;
    return weft_text_cut(rest, ' ', &number) && weft_scalar_parse_number(number, ret_number);
}

static bool cut_word(struct weft_text *rest, const char *word)
{
    struct weft_text first;
    return weft_text_cut(rest, ' ', &first) && weft_text_is(first, word);
}

/* "rest MARK duration", at the last mark. */
static bool split_duration(
    struct weft_text text, const char *mark, struct weft_text *ret_rest, uint64_t *ret_ms)
{
    size_t size = strlen(mark);
    for (size_t i = text.size; i-- > 0;) {
        if (text.size - i >= size && memcmp(text.data + i, mark, size) == 0) {
            *ret_rest = (struct weft_text){text.data, i};
            return weft_scalar_parse_duration(
                (struct weft_text){text.data + i + size, text.size - i - size}, ret_ms);
        }
    }
    return false;
}

static bool parse_word(struct weft_text value, void *ret_item)
{
    *(struct weft_text *)ret_item = value;
    return weft_scalar_is_word(value);
}

static enum weft_err format_word(const void *item, struct weft_buffer *out)
{
    return weft_buffer_text(out, *(const struct weft_text *)item);
}

/* All items but demands begin with their name. */
static int compare_names(const void *a, const void *b)
{
    return weft_text_compare(*(const struct weft_text *)a, *(const struct weft_text *)b);
}

static bool parse_range(struct weft_text value, void *ret_item)
{
    struct weft_envelope_range *range = ret_item;
    bool is_read = cut_name(&value, &range->name) && cut_number(&value, &range->low) &&
                   cut_word(&value, "..") && cut_number(&value, &range->high);
    range->unit = value;
    return is_read && range->low <= range->high && weft_scalar_is_unit(value);
}

static enum weft_err format_range(const void *item, struct weft_buffer *out)
{
    const struct weft_envelope_range *range = item;
    char low[WEFT_SCALAR_NUMBER_TEXT_SIZE], high[WEFT_SCALAR_NUMBER_TEXT_SIZE];
    weft_scalar_format_number(range->low, low);
    weft_scalar_format_number(range->high, high);
    return weft_buffer_format(out, "%.*s %s .. %s %.*s", (int)range->name.size, range->name.data,
        low, high, (int)range->unit.size, range->unit.data);
}

static bool parse_step(struct weft_text value, void *ret_item)
{
    struct weft_envelope_change *change = ret_item;
    bool is_read = cut_name(&value, &change->name) && cut_number(&value, &change->amount);
    change->unit = value;
    return is_read && change->amount > 0 && weft_scalar_is_unit(value);
}

static enum weft_err format_step(const void *item, struct weft_buffer *out)
{
    const struct weft_envelope_change *change = item;
    char amount[WEFT_SCALAR_NUMBER_TEXT_SIZE];
    weft_scalar_format_number(change->amount, amount);
    return weft_buffer_format(out, "%.*s %s %.*s", (int)change->name.size, change->name.data,
        amount, (int)change->unit.size, change->unit.data);
}

static bool parse_rate(struct weft_text value, void *ret_item)
{
    struct weft_envelope_change *change = ret_item;
    return split_duration(value, " per ", &value, &change->per_ms) && parse_step(value, change);
}

static enum weft_err format_rate(const void *item, struct weft_buffer *out)
{
    const struct weft_envelope_change *change = item;
    char per[WEFT_SCALAR_DURATION_TEXT_SIZE];
    enum weft_err err = change->per_ms > 0 ? format_step(item, out) : WEFT_EINVAL;
    if (err == WEFT_OK) {
        weft_scalar_format_duration(change->per_ms, per);
        err = weft_buffer_format(out, " per %s", per);
    }
    return err;
}

static bool parse_allow(struct weft_text value, void *ret_item)
{
    struct weft_envelope_allow *allow = ret_item;
    if (!cut_name(&value, &allow->name)) {
        return false;
    }
    for (bool has_more = true; has_more;) {
        struct weft_text word;
        has_more = weft_text_cut(&value, ' ', &word);
        uint32_t count = allow->word_count;
        if (count == WEFT_ENVELOPE_WORDS_MAX ||
            (!weft_scalar_is_word(word) && !weft_text_is(word, "true") &&
                !weft_text_is(word, "false")) ||
            (count > 0 && weft_text_compare(allow->words[count - 1], word) >= 0)) {
            return false;
        }
        allow->words[allow->word_count++] = word;
    }
    return true;
}

static enum weft_err format_allow(const void *item, struct weft_buffer *out)
{
    const struct weft_envelope_allow *allow = item;
    enum weft_err err = allow->word_count <= WEFT_ENVELOPE_WORDS_MAX
                            ? weft_buffer_text(out, allow->name)
                            : WEFT_EINVAL;
    for (uint32_t i = 0; err == WEFT_OK && i < allow->word_count; i++) {
        err = weft_buffer_format(out, " %.*s", (int)allow->words[i].size, allow->words[i].data);
    }
    return err;
}

static bool parse_demand(struct weft_text value, void *ret_item)
{
    struct weft_envelope_demand *demand = ret_item;
    return split_duration(value, " fresh ", &value, &demand->fresh_ms) &&
           weft_demand_parse(value, &demand->demand);
}

static enum weft_err format_demand(const void *item, struct weft_buffer *out)
{
    const struct weft_envelope_demand *demand = item;
    char fresh[WEFT_SCALAR_DURATION_TEXT_SIZE];
    enum weft_err err =
        demand->fresh_ms > 0 ? weft_demand_format(&demand->demand, out) : WEFT_EINVAL;
    if (err == WEFT_OK) {
        weft_scalar_format_duration(demand->fresh_ms, fresh);
        err = weft_buffer_format(out, " fresh %s", fresh);
    }
    return err;
}

static int compare_demands(const void *a, const void *b)
{
    return weft_demand_compare(&((const struct weft_envelope_demand *)a)->demand,
        &((const struct weft_envelope_demand *)b)->demand);
}

/* "speed within 0.5 rpm by 20s", "clamp by 2s" */
static bool parse_verify(struct weft_text value, void *ret_item)
{
    struct weft_envelope_verify *verify = ret_item;
    if (!split_duration(value, " by ", &value, &verify->by_ms)) {
        return false;
    }
    verify->has_tolerance = weft_text_cut(&value, ' ', &verify->path);
    if (verify->has_tolerance &&
        (!cut_word(&value, "within") || !cut_number(&value, &verify->tolerance) ||
            verify->tolerance < 0 || !weft_scalar_is_unit(value))) {
        return false;
    }
    verify->unit = verify->has_tolerance ? value : (struct weft_text){NULL, 0};
    return weft_scalar_is_path(verify->path);
}

static enum weft_err format_verify(const void *item, struct weft_buffer *out)
{
    const struct weft_envelope_verify *verify = item;
    char tolerance[WEFT_SCALAR_NUMBER_TEXT_SIZE], by[WEFT_SCALAR_DURATION_TEXT_SIZE];
    enum weft_err err = verify->by_ms > 0 ? weft_buffer_text(out, verify->path) : WEFT_EINVAL;
    if (err == WEFT_OK && verify->has_tolerance) {
        weft_scalar_format_number(verify->tolerance, tolerance);
        err = weft_buffer_format(
            out, " within %s %.*s", tolerance, (int)verify->unit.size, verify->unit.data);
    }
    if (err == WEFT_OK) {
        weft_scalar_format_duration(verify->by_ms, by);
        err = weft_buffer_format(out, " by %s", by);
    }
    return err;
}

static bool parse_arg(struct weft_text value, void *ret_item)
{
    struct weft_command_arg *arg = ret_item;
    return cut_name(&value, &arg->name) && weft_scalar_parse(value, &arg->value);
}

static enum weft_err format_arg(const void *item, struct weft_buffer *out)
{
    const struct weft_command_arg *arg = item;
    enum weft_err err = weft_buffer_format(out, "%.*s ", (int)arg->name.size, arg->name.data);
    return err == WEFT_OK ? weft_scalar_format(&arg->value, out) : err;
}

static const struct list verbs = {
    "verb", sizeof(struct weft_text), parse_word, format_word, compare_names, "a word"};
static const struct list hard = {"hard", sizeof(struct weft_envelope_range), parse_range,
    format_range, compare_names, "like \"speed 0 .. 60 rpm\""};
static const struct list normal = {"normal", sizeof(struct weft_envelope_range), parse_range,
    format_range, compare_names, "like \"speed 10 .. 50 rpm\""};
static const struct list steps = {"step", sizeof(struct weft_envelope_change), parse_step,
    format_step, compare_names, "like \"speed 5 rpm\""};
static const struct list rates = {"rate", sizeof(struct weft_envelope_change), parse_rate,
    format_rate, compare_names, "like \"speed 10 rpm per 1m\""};
static const struct list allows = {"allow", sizeof(struct weft_envelope_allow), parse_allow,
    format_allow, compare_names, "a name and up to 16 words in order, like \"mode auto manual\""};
static const struct list interlocks = {"interlock", sizeof(struct weft_envelope_demand),
    parse_demand, format_demand, compare_demands, "like \"guard/closed = true fresh 2s\""};
static const struct list requires = {"require", sizeof(struct weft_envelope_demand), parse_demand,
    format_demand, compare_demands, "like \"state/mode = auto fresh 5s\""};
static const struct list denies = {"deny", sizeof(struct weft_envelope_demand), parse_demand,
    format_demand, compare_demands, "like \"alarm/active = true fresh 5s\""};
static const struct list verifies = {"verify", sizeof(struct weft_envelope_verify), parse_verify,
    format_verify, compare_names, "like \"speed within 0.5 rpm by 20s\" or \"clamp by 2s\""};
static const struct list safe_args = {"safe-arg", sizeof(struct weft_command_arg), parse_arg,
    format_arg, compare_names, "like \"speed 0 rpm\""};

/* ACT-1: sorted, each once. */
static enum weft_err read_list(struct weft_document_reader *reader, const struct list *list,
    void *items, uint32_t *count, struct weft_msg *msg)
{
    while (weft_document_is_next(reader, list->key)) {
        struct weft_text value = {"", 0};
        enum weft_err err = weft_document_read(reader, list->key, &value, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (*count == WEFT_ENVELOPE_LIST_MAX) {
            return weft_document_fail(reader, msg, WEFT_ETOOBIG, "more than %d lines \"%s\"",
                WEFT_ENVELOPE_LIST_MAX, list->key);
        }
        uint8_t *item = (uint8_t *)items + *count * list->size;
        if (!list->parse(value, item)) {
            return weft_document_fail(
                reader, msg, WEFT_EMALFORMED, "\"%s\" is %s", list->key, list->form);
        }
        if (*count > 0 && list->compare(item - list->size, item) >= 0) {
            return weft_document_fail(
                reader, msg, WEFT_EMALFORMED, "\"%s\" is not in order, or twice", list->key);
        }
        ++*count;
    }
    return WEFT_OK;
}

static enum weft_err write_list(
    const struct list *list, const void *items, uint32_t count, struct weft_buffer *out)
{
    enum weft_err err = count <= WEFT_ENVELOPE_LIST_MAX ? WEFT_OK : WEFT_EINVAL;
    for (uint32_t i = 0; err == WEFT_OK && i < count; i++) {
        err = weft_buffer_format(out, "%s ", list->key);
        err = err == WEFT_OK ? list->format((const uint8_t *)items + i * list->size, out) : err;
        err = err == WEFT_OK ? weft_buffer_append(out, "\n", 1) : err;
    }
    return err;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum weft_err read_head(struct weft_document_reader *reader, struct weft_text text,
    struct weft_envelope_note *e, struct weft_msg *msg)
{
    struct weft_text party = {"", 0}, asset, org;
    enum weft_err err = weft_document_read(reader, "name", &e->name, msg);
    if (err == WEFT_OK && !weft_scalar_is_word(e->name)) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "\"name\" is a word");
    }
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "party", &party, msg);
    }
    int i = 0;
    while (i < WEFT_ENVELOPE_PARTIES && !weft_text_is(party, parties[i])) {
        i++;
    }
    if (err == WEFT_OK && i == WEFT_ENVELOPE_PARTIES) {
        err = weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "\"party\" is builder, site or partner");
    }
    e->party = (enum weft_envelope_party)i;
    if (err == WEFT_OK) {
        err = weft_chain_read(reader, text, true, &e->link, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "target", &e->target, msg);
    }
    asset = e->target;
    if (err == WEFT_OK && (!weft_text_cut(&asset, '/', &org) || !weft_principal_is_org(org) ||
                              !weft_scalar_is_path(asset))) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED,
            "\"target\" is <org>/<asset>, or <org>/<asset>/... for all below it");
    }
    return err;
}

static enum weft_err read_limits(
    struct weft_document_reader *reader, struct weft_envelope_note *e, struct weft_msg *msg)
{
    struct weft_text value = {"", 0}, count;
    uint64_t moves = 0;
    enum weft_err err = WEFT_OK;
    if (weft_document_is_next(reader, "moves")) {
        err = weft_document_read(reader, "moves", &value, msg);
        if (err == WEFT_OK && (!split_duration(value, " per ", &count, &e->moves_per_ms) ||
                                  !weft_text_exact_number(count, &moves) || moves == 0 ||
                                  moves > WEFT_ENVELOPE_MOVES_MAX)) {
            err = weft_document_fail(reader, msg, WEFT_EMALFORMED,
                "\"moves\" is like \"12 per 1h\", at most %d", WEFT_ENVELOPE_MOVES_MAX);
        }
        e->moves = (uint32_t)moves;
    }
    if (err == WEFT_OK && weft_document_is_next(reader, "dwell")) {
        err = weft_document_read(reader, "dwell", &value, msg);
        if (err == WEFT_OK && !weft_scalar_parse_duration(value, &e->dwell_ms)) {
            err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "\"dwell\" is like \"30s\"");
        }
    }
    return err;
}

/* "canary 1 of plant1/line2 soak 10m" */
static bool parse_canary(struct weft_text value, struct weft_envelope_note *e)
{
    struct weft_text count;
    uint64_t number;
    if (!split_duration(value, " soak ", &value, &e->canary_soak_ms) ||
        !cut_word(&value, "canary") || !weft_text_cut(&value, ' ', &count) ||
        !weft_text_exact_number(count, &number) || number == 0 || number > 16 ||
        !cut_word(&value, "of") || !weft_scalar_is_path(value)) {
        return false;
    }
    e->canary_count = (uint32_t)number;
    e->canary_group = value;
    return true;
}

static enum weft_err read_stages(
    struct weft_document_reader *reader, struct weft_envelope_note *e, struct weft_msg *msg)
{
    while (weft_document_is_next(reader, "stage")) {
        struct weft_text value = {"", 0};
        enum weft_err err = weft_document_read(reader, "stage", &value, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (e->canary_count == 0 && !e->has_shadow && weft_text_is(value, "shadow")) {
            e->has_shadow = true;
        } else if (e->canary_count > 0 || !parse_canary(value, e)) {
            return weft_document_fail(reader, msg, WEFT_EMALFORMED,
                "\"stage\" is \"shadow\", then \"canary 1 of <asset> soak 10m\", each once");
        }
    }
    return WEFT_OK;
}

static enum weft_err read_end(
    struct weft_document_reader *reader, struct weft_envelope_note *e, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = read_list(reader, &verifies, e->verifies, &e->verify_count, msg);
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "finish", &value, msg);
    }
    if (err == WEFT_OK && !weft_scalar_parse_duration(value, &e->finish_ms)) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "\"finish\" is like \"1m\"");
    }
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "safe", &value, msg);
    }
    if (err == WEFT_OK && !weft_scalar_is_word(value)) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "\"safe\" is hold or a verb");
    }
    if (err == WEFT_OK && !weft_text_is(value, "hold")) {
        e->safe_verb = value;
        err = read_list(reader, &safe_args, e->safe_args, &e->safe_count, msg);
    }
    return err;
}

static enum weft_err read_lists(
    struct weft_document_reader *reader, struct weft_envelope_note *e, struct weft_msg *msg)
{
    enum weft_err err = read_list(reader, &verbs, e->verbs, &e->verb_count, msg);
    if (err == WEFT_OK && e->verb_count == 0) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "expected \"verb ...\" behind this");
    }
    if (err == WEFT_OK) {
        err = read_list(reader, &hard, e->hard, &e->hard_count, msg);
    }
    if (err == WEFT_OK) {
        err = read_list(reader, &normal, e->normal, &e->normal_count, msg);
    }
    if (err == WEFT_OK) {
        err = read_list(reader, &steps, e->steps, &e->step_count, msg);
    }
    if (err == WEFT_OK) {
        err = read_list(reader, &rates, e->rates, &e->rate_count, msg);
    }
    return err == WEFT_OK ? read_list(reader, &allows, e->allows, &e->allow_count, msg) : err;
}

static enum weft_err read_demands(
    struct weft_document_reader *reader, struct weft_envelope_note *e, struct weft_msg *msg)
{
    enum weft_err err =
        read_list(reader, &interlocks, e->interlocks.list, &e->interlocks.count, msg);
    if (err == WEFT_OK) {
        err = read_list(reader, &requires, e->requires.list, &e->requires.count, msg);
    }
    return err == WEFT_OK ? read_list(reader, &denies, e->denies.list, &e->denies.count, msg) : err;
}

static enum weft_err read_all(
    struct weft_text text, struct weft_envelope_note *e, struct weft_msg *msg)
{
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_ENVELOPE, &reader, msg);
    if (err == WEFT_OK) {
        err = read_head(&reader, text, e, msg);
    }
    if (err == WEFT_OK) {
        err = read_lists(&reader, e, msg);
    }
    if (err == WEFT_OK) {
        err = read_limits(&reader, e, msg);
    }
    if (err == WEFT_OK) {
        err = read_demands(&reader, e, msg);
    }
    if (err == WEFT_OK) {
        err = read_stages(&reader, e, msg);
    }
    if (err == WEFT_OK) {
        err = read_end(&reader, e, msg);
    }
    return err == WEFT_OK ? weft_document_close(&reader, msg) : err;
}

/* --- writing --------------------------------------------------------------------------------- */

static enum weft_err write_head(const struct weft_envelope_note *e, struct weft_buffer *out)
{
    enum weft_err err = (unsigned)e->party < WEFT_ENVELOPE_PARTIES
                            ? weft_document_begin(out, WEFT_DOCUMENT_ENVELOPE)
                            : WEFT_EINVAL;
    if (err == WEFT_OK) {
        err = weft_document_write(out, "name", e->name);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "party", weft_text_of(parties[e->party]));
    }
    if (err == WEFT_OK) {
        err = weft_chain_write(out, &e->link);
    }
    return err == WEFT_OK ? weft_document_write(out, "target", e->target) : err;
}

static enum weft_err write_lists(const struct weft_envelope_note *e, struct weft_buffer *out)
{
    enum weft_err err = write_list(&verbs, e->verbs, e->verb_count, out);
    if (err == WEFT_OK) {
        err = write_list(&hard, e->hard, e->hard_count, out);
    }
    if (err == WEFT_OK) {
        err = write_list(&normal, e->normal, e->normal_count, out);
    }
    if (err == WEFT_OK) {
        err = write_list(&steps, e->steps, e->step_count, out);
    }
    if (err == WEFT_OK) {
        err = write_list(&rates, e->rates, e->rate_count, out);
    }
    return err == WEFT_OK ? write_list(&allows, e->allows, e->allow_count, out) : err;
}

static enum weft_err write_limits(const struct weft_envelope_note *e, struct weft_buffer *out)
{
    char span[WEFT_SCALAR_DURATION_TEXT_SIZE];
    enum weft_err err = (e->moves > 0) == (e->moves_per_ms > 0) ? WEFT_OK : WEFT_EINVAL;
    if (err == WEFT_OK && e->moves > 0) {
        weft_scalar_format_duration(e->moves_per_ms, span);
        err = weft_buffer_format(out, "moves %" PRIu32 " per %s\n", e->moves, span);
    }
    if (err == WEFT_OK && e->dwell_ms > 0) {
        weft_scalar_format_duration(e->dwell_ms, span);
        err = weft_buffer_format(out, "dwell %s\n", span);
    }
    if (err == WEFT_OK) {
        err = write_list(&interlocks, e->interlocks.list, e->interlocks.count, out);
    }
    if (err == WEFT_OK) {
        err = write_list(&requires, e->requires.list, e->requires.count, out);
    }
    return err == WEFT_OK ? write_list(&denies, e->denies.list, e->denies.count, out) : err;
}

static enum weft_err write_end(const struct weft_envelope_note *e, struct weft_buffer *out)
{
    char span[WEFT_SCALAR_DURATION_TEXT_SIZE];
    bool is_whole = e->finish_ms > 0 && (e->canary_count > 0) == (e->canary_soak_ms > 0);
    enum weft_err err = is_whole ? WEFT_OK : WEFT_EINVAL;
    if (err == WEFT_OK && e->has_shadow) {
        err = weft_document_write(out, "stage", WEFT_TEXT("shadow"));
    }
    if (err == WEFT_OK && e->canary_count > 0) {
        weft_scalar_format_duration(e->canary_soak_ms, span);
        err = weft_buffer_format(out, "stage canary %" PRIu32 " of %.*s soak %s\n", e->canary_count,
            (int)e->canary_group.size, e->canary_group.data, span);
    }
    if (err == WEFT_OK) {
        err = write_list(&verifies, e->verifies, e->verify_count, out);
    }
    if (err == WEFT_OK) {
        weft_scalar_format_duration(e->finish_ms, span);
        err = weft_buffer_format(out, "finish %s\n", span);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(
            out, "safe", e->safe_verb.size > 0 ? e->safe_verb : WEFT_TEXT("hold"));
    }
    return err == WEFT_OK ? write_list(&safe_args, e->safe_args, e->safe_count, out) : err;
}

static enum weft_err write_all(const struct weft_envelope_note *e, struct weft_buffer *out)
{
    enum weft_err err = write_head(e, out);
    if (err == WEFT_OK) {
        err = write_lists(e, out);
    }
    if (err == WEFT_OK) {
        err = write_limits(e, out);
    }
    return err == WEFT_OK ? write_end(e, out) : err;
}

/* --- both ------------------------------------------------------------------------------------ */

enum weft_err weft_envelope_note_decode(
    struct weft_text text, struct weft_envelope_note *ret_envelope, struct weft_msg *msg)
{
    struct weft_envelope_note envelope = {.verb_count = 0};
    struct weft_buffer again = {.size_max = WEFT_NOTE_SIZE_MAX};
    enum weft_err err = read_all(text, &envelope, msg);
    if (err != WEFT_OK) {
        return err;
    }
    err = weft_document_expect_again(text, write_all(&envelope, &again), &again, msg);
    if (err == WEFT_OK) {
        *ret_envelope = envelope;
    }
    return err;
}

enum weft_err weft_envelope_note_encode(
    const struct weft_envelope_note *envelope, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_envelope_note again;
    enum weft_err err = write_all(envelope, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_envelope_note_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}
