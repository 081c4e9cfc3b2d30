#include "policy/command/command_note.h"

#include <inttypes.h>
#include <stdio.h>

#include "proto/check.h"
#include "proto/record.h"

static const int64_t second_ns = 1000 * 1000 * 1000;

static const char *const class_names[WEFT_COMMAND_CLASSES] = {
    [WEFT_COMMAND_CLASS_A] = "A",
    [WEFT_COMMAND_CLASS_B] = "B",
    [WEFT_COMMAND_CLASS_C] = "C",
};

const char *weft_command_class_name(enum weft_command_class class)
{
    weft_assert((unsigned)class < WEFT_COMMAND_CLASSES); /* ACT-1 */
    return class_names[class];
}

/* --- names ----------------------------------------------------------------------------------- */

/* "a/b/c", of principals' parts; `ret_parts` has three. */
static bool cut_parts(struct weft_text text, struct weft_text ret_parts[3])
{
    return weft_text_cut(&text, '/', &ret_parts[0]) && weft_text_cut(&text, '/', &ret_parts[1]) &&
           !weft_text_cut(&text, '/', &ret_parts[2]) && weft_principal_is_part(ret_parts[0]) &&
           weft_principal_is_part(ret_parts[1]) && weft_principal_is_part(ret_parts[2]);
}

bool weft_channel_is_valid(struct weft_text channel)
{
    struct weft_text parts[3];
    return cut_parts(channel, parts);
}

bool weft_channel_gateway(
    struct weft_text channel, struct weft_text org, struct weft_principal *ret_gateway)
{
    struct weft_text parts[3];
    struct weft_principal gateway = {.class = WEFT_PRINCIPAL_GW};
    if (!cut_parts(channel, parts) || !weft_principal_is_org(org)) {
        return false;
    }
    memcpy(gateway.org, org.data, org.size);
    memcpy(gateway.site, parts[0].data, parts[0].size);
    memcpy(gateway.name, parts[1].data, parts[1].size);
    *ret_gateway = gateway;
    return true;
}

struct weft_text weft_command_note_asset(const struct weft_command_note *command)
{
    struct weft_text asset = command->target, org;
    (void)weft_text_cut(&asset, '/', &org);
    return asset;
}

const struct weft_command_arg *weft_command_note_arg(
    const struct weft_command_note *command, struct weft_text name)
{
    for (uint32_t i = 0; i < command->arg_count; i++) {
        if (weft_text_equal(command->args[i].name, name)) {
            return &command->args[i];
        }
    }
    return NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum weft_err fail(const struct weft_document_reader *reader, struct weft_msg *msg,
    const char *key, const char *expected)
{
    return weft_document_fail(reader, msg, WEFT_EMALFORMED, "\"%s\" is %s", key, expected);
}

/* The next word of a closed set of two. */
static enum weft_err read_choice(struct weft_document_reader *reader, const char *key,
    const char *no, const char *yes, bool *ret_is_second, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!weft_text_is(value, no) && !weft_text_is(value, yes)) {
        return weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "\"%s\" is \"%s\" or \"%s\"", key, no, yes);
    }
    *ret_is_second = weft_text_is(value, yes);
    return WEFT_OK;
}

/* Origin, target and channel are of one organization and site. */
static enum weft_err read_place(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    struct weft_text rest, org, site, parts[3] = {{NULL, 0}};
    enum weft_err err = weft_document_read(reader, "origin", &command->origin, msg);
    if (err != WEFT_OK) {
        return err;
    }
    rest = command->origin;
    if (!weft_text_cut(&rest, '/', &org) || !weft_principal_is_org(org) ||
        !weft_text_cut(&rest, '/', &site) || !weft_principal_is_part(site) ||
        !weft_principal_is_part(rest)) {
        return fail(reader, msg, "origin", "<org>/<site>/<log>");
    }
    err = weft_document_read(reader, "target", &command->target, msg);
    if (err != WEFT_OK) {
        return err;
    }
    struct weft_text asset = command->target, target_org;
    if (!weft_text_cut(&asset, '/', &target_org) || !weft_text_equal(org, target_org) ||
        !weft_asset_is_valid(asset)) {
        return fail(reader, msg, "target", "<org of origin>/<asset>");
    }
    err = weft_document_read(reader, "channel", &command->channel, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (!cut_parts(command->channel, parts) || !weft_text_equal(parts[0], site)) {
        return fail(reader, msg, "channel", "<site of origin>/<gateway>/<machine>");
    }
    return WEFT_OK;
}

static enum weft_err read_what(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    struct weft_text class = {"", 0};
    uint64_t tier = 0;
    enum weft_err err = weft_document_read(reader, "class", &class, msg);
    if (err != WEFT_OK) {
        return err;
    }
    int i = 0;
    while (i < WEFT_COMMAND_CLASSES && !weft_text_is(class, class_names[i])) {
        i++;
    }
    if (i == WEFT_COMMAND_CLASSES) {
        return fail(reader, msg, "class", "A, B or C");
    }
    command->class = (enum weft_command_class)i;
    err = weft_document_read_number(reader, "tier", WEFT_COMMAND_TIER_MAX, &tier, msg);
    command->tier = (uint32_t)tier;
    if (err == WEFT_OK) {
        err = read_choice(reader, "mode", "live", "shadow", &command->is_shadow, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "verb", &command->verb, msg);
    }
    if (err == WEFT_OK && !weft_scalar_is_word(command->verb)) {
        err = fail(reader, msg, "verb", "1 to 63 of A-Z a-z 0-9 . _ -, first a letter");
    }
    return err;
}

static enum weft_err too_many(
    const struct weft_document_reader *reader, struct weft_msg *msg, const char *key, int max)
{
    return weft_document_fail(reader, msg, WEFT_ETOOBIG, "more than %d of \"%s\"", max, key);
}

static enum weft_err read_args(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    while (weft_document_is_next(reader, "arg")) {
        struct weft_command_arg arg;
        struct weft_text value = {"", 0};
        enum weft_err err = weft_document_read(reader, "arg", &value, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (command->arg_count == WEFT_COMMAND_ARGS_MAX) {
            return too_many(reader, msg, "arg", WEFT_COMMAND_ARGS_MAX);
        }
        if (!weft_text_cut(&value, ' ', &arg.name) || !weft_scalar_is_word(arg.name) ||
            !weft_scalar_parse(value, &arg.value)) {
            return fail(reader, msg, "arg",
                "a name and a value: \"42.5 rpm\" (a canonical decimal and its unit), \"true\", "
                "\"false\" or a word");
        }
        if (command->arg_count > 0 &&
            weft_text_compare(command->args[command->arg_count - 1].name, arg.name) >= 0) {
            return fail(reader, msg, "arg", "sorted by name, each once");
        }
        command->args[command->arg_count++] = arg;
    }
    return WEFT_OK;
}

static enum weft_err read_pres(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    if (weft_document_is_next(reader, "pre rev")) {
        command->has_rev = true;
        err = weft_document_read_number(reader, "pre rev", UINT64_MAX, &command->rev, msg);
    }
    while (err == WEFT_OK && weft_document_is_next(reader, "pre field")) {
        struct weft_demand pre;
        struct weft_text value = {"", 0};
        err = weft_document_read(reader, "pre field", &value, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (command->pre_count == WEFT_COMMAND_PRES_MAX) {
            return too_many(reader, msg, "pre field", WEFT_COMMAND_PRES_MAX);
        }
        if (!weft_demand_parse(value, &pre)) {
            return fail(reader, msg, "pre field",
                "a path, one of = != <= >=, and a value; <= and >= of numbers alone");
        }
        if (command->pre_count > 0 &&
            weft_demand_compare(&command->pres[command->pre_count - 1], &pre) >= 0) {
            return fail(reader, msg, "pre field", "sorted by path and sign, each once");
        }
        command->pres[command->pre_count++] = pre;
    }
    return err;
}

static enum weft_err read_posts(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    while (weft_document_is_next(reader, "post field")) {
        struct weft_outcome post;
        struct weft_text value = {"", 0};
        enum weft_err err = weft_document_read(reader, "post field", &value, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (command->post_count == WEFT_COMMAND_POSTS_MAX) {
            return too_many(reader, msg, "post field", WEFT_COMMAND_POSTS_MAX);
        }
        if (!weft_outcome_parse(value, &post)) {
            return fail(reader, msg, "post field",
                "like \"speed = 42.5 +- 0.5 rpm by 20s\" or \"clamp = true by 2s\"");
        }
        if (command->post_count > 0 &&
            weft_text_compare(command->posts[command->post_count - 1].path, post.path) >= 0) {
            return fail(reader, msg, "post field", "sorted by path, each once");
        }
        command->posts[command->post_count++] = post;
    }
    return WEFT_OK;
}

/* "<version> sha256:..." */
static bool parse_version(struct weft_text text, uint64_t *ret_version, struct weft_digest *ret)
{
    struct weft_text version;
    return weft_text_cut(&text, ' ', &version) && weft_text_exact_number(version, ret_version) &&
           *ret_version > 0 && weft_digest_parse(text, ret) == WEFT_OK;
}

static enum weft_err read_rules(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    do {
        struct weft_envelope_ref ref = {.version = 0};
        enum weft_err err = weft_document_read(reader, "envelope", &value, msg);
        if (err != WEFT_OK) {
            return err;
        }
        if (command->envelope_count == WEFT_COMMAND_ENVELOPES_MAX) {
            return too_many(reader, msg, "envelope", WEFT_COMMAND_ENVELOPES_MAX);
        }
        if (!weft_text_cut(&value, ' ', &ref.name) || !weft_scalar_is_word(ref.name) ||
            !parse_version(value, &ref.version, &ref.digest)) {
            return fail(reader, msg, "envelope", "<name> <version> sha256:...");
        }
        uint32_t count = command->envelope_count;
        if (count > 0 && weft_text_compare(command->envelopes[count - 1].name, ref.name) >= 0) {
            return fail(reader, msg, "envelope", "sorted by name, each once");
        }
        command->envelopes[command->envelope_count++] = ref;
    } while (weft_document_is_next(reader, "envelope"));
    enum weft_err err = weft_document_read(reader, "policy", &value, msg);
    if (err == WEFT_OK &&
        !parse_version(value, &command->policy_version, &command->policy_digest)) {
        err = fail(reader, msg, "policy", "<version> sha256:...");
    }
    return err;
}

static enum weft_err read_life(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read_number(reader, "seq", INT64_MAX, &command->seq, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(reader, "nonce", command->nonce, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_time(reader, "not-before", &command->not_before_ns, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_time(reader, "not-after", &command->not_after_ns, msg);
    }
    if (err == WEFT_OK &&
        (command->not_after_ns <= command->not_before_ns ||
            command->not_after_ns - command->not_before_ns > WEFT_COMMAND_LIFE_MAX_S * second_ns)) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL,
            "\"not-after\" is after \"not-before\", by %d s at most", WEFT_COMMAND_LIFE_MAX_S);
    }
    return err;
}

enum weft_err weft_command_note_read_printed(
    struct weft_document_reader *reader, struct weft_text *ret_name, struct weft_msg *msg)
{
    struct weft_text name = {"", 0};
    enum weft_err err = weft_document_read(reader, "printed-name", &name, msg);
    if (err == WEFT_OK && name.size > WEFT_COMMAND_PRINTED_SIZE_MAX) {
        err = weft_document_fail(reader, msg, WEFT_ETOOBIG,
            "\"printed-name\" has more than %d bytes", WEFT_COMMAND_PRINTED_SIZE_MAX);
    }
    if (err == WEFT_OK) {
        *ret_name = name;
    }
    return err;
}

static enum weft_err read_signer(
    struct weft_document_reader *reader, struct weft_command_note *command, struct weft_msg *msg)
{
    enum weft_err err =
        read_choice(reader, "on-unknown", "hold", "safe", &command->is_safe_on_unknown, msg);
    if (err == WEFT_OK) {
        err = weft_document_read_principal(reader, "proposer", &command->proposer, msg);
    }
    if (err == WEFT_OK && command->proposer.class != WEFT_PRINCIPAL_OP &&
        command->proposer.class != WEFT_PRINCIPAL_SVC) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "a person or a program commands");
    }
    if (err == WEFT_OK) {
        err = weft_command_note_read_printed(reader, &command->printed_name, msg);
    }
    if (err == WEFT_OK) {
        err =
            read_choice(reader, "meaning", "propose", "break-glass", &command->is_break_glass, msg);
    }
    if (err == WEFT_OK && command->is_break_glass && command->proposer.class != WEFT_PRINCIPAL_OP) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "a person alone breaks the glass");
    }
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "reason", &command->reason, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_time(reader, "signed-at", &command->signed_ns, msg);
    }
    if (err == WEFT_OK && command->signed_ns > command->not_after_ns) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "signed after \"not-after\"");
    }
    return err;
}

/* --- writing --------------------------------------------------------------------------------- */

static enum weft_err write_place(const struct weft_command_note *c, struct weft_buffer *out)
{
    char tier[2] = {(char)('0' + c->tier % 10), '\0'};
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_COMMAND);
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "id", c->id);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "origin", c->origin);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "target", c->target);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "channel", c->channel);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "class %s\ntier %s\nmode %s\n",
            weft_command_class_name(c->class), tier, c->is_shadow ? "shadow" : "live");
    }
    return err == WEFT_OK ? weft_document_write(out, "verb", c->verb) : err;
}

static enum weft_err write_lists(const struct weft_command_note *c, struct weft_buffer *out)
{
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < c->arg_count; i++) {
        err = weft_buffer_format(out, "arg %.*s ", (int)c->args[i].name.size, c->args[i].name.data);
        err = err == WEFT_OK ? weft_scalar_format(&c->args[i].value, out) : err;
        err = err == WEFT_OK ? weft_buffer_append(out, "\n", 1) : err;
    }
    if (err == WEFT_OK && c->has_rev) {
        err = weft_document_write_number(out, "pre rev", c->rev);
    }
    for (uint32_t i = 0; err == WEFT_OK && i < c->pre_count; i++) {
        err = weft_buffer_format(out, "pre field ");
        err = err == WEFT_OK ? weft_demand_format(&c->pres[i], out) : err;
        err = err == WEFT_OK ? weft_buffer_append(out, "\n", 1) : err;
    }
    for (uint32_t i = 0; err == WEFT_OK && i < c->post_count; i++) {
        err = weft_buffer_format(out, "post field ");
        err = err == WEFT_OK ? weft_outcome_format(&c->posts[i], out) : err;
        err = err == WEFT_OK ? weft_buffer_append(out, "\n", 1) : err;
    }
    return err;
}

static enum weft_err write_rules(const struct weft_command_note *c, struct weft_buffer *out)
{
    char digest[WEFT_DIGEST_TEXT_SIZE];
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < c->envelope_count; i++) {
        const struct weft_envelope_ref *ref = &c->envelopes[i];
        weft_digest_format(&ref->digest, digest);
        err = weft_buffer_format(out, "envelope %.*s %" PRIu64 " %s\n", (int)ref->name.size,
            ref->name.data, ref->version, digest);
    }
    if (err == WEFT_OK) {
        weft_digest_format(&c->policy_digest, digest);
        err = weft_buffer_format(out, "policy %" PRIu64 " %s\n", c->policy_version, digest);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_number(out, "seq", c->seq);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_nonce(out, "nonce", c->nonce);
    }
    return err;
}

static enum weft_err write_signer(const struct weft_command_note *c, struct weft_buffer *out)
{
    enum weft_err err = weft_document_write_time(out, "not-before", c->not_before_ns);
    if (err == WEFT_OK) {
        err = weft_document_write_time(out, "not-after", c->not_after_ns);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "on-unknown %s\n", c->is_safe_on_unknown ? "safe" : "hold");
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "proposer", &c->proposer);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "printed-name", c->printed_name);
    }
    if (err == WEFT_OK) {
        err =
            weft_buffer_format(out, "meaning %s\n", c->is_break_glass ? "break-glass" : "propose");
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "reason", c->reason);
    }
    return err == WEFT_OK ? weft_document_write_time(out, "signed-at", c->signed_ns) : err;
}

static enum weft_err write_all(const struct weft_command_note *command, struct weft_buffer *out)
{
    if ((unsigned)command->class >= WEFT_COMMAND_CLASSES || command->tier > WEFT_COMMAND_TIER_MAX ||
        command->arg_count > WEFT_COMMAND_ARGS_MAX || command->pre_count > WEFT_COMMAND_PRES_MAX ||
        command->post_count > WEFT_COMMAND_POSTS_MAX ||
        command->envelope_count > WEFT_COMMAND_ENVELOPES_MAX) {
        return WEFT_EINVAL;
    }
    enum weft_err err = write_place(command, out);
    if (err == WEFT_OK) {
        err = write_lists(command, out);
    }
    if (err == WEFT_OK) {
        err = write_rules(command, out);
    }
    return err == WEFT_OK ? write_signer(command, out) : err;
}

/* --- both ------------------------------------------------------------------------------------ */

static enum weft_err read_all(
    struct weft_text text, struct weft_command_note *command, struct weft_msg *msg)
{
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_COMMAND, &reader, msg);
    if (err == WEFT_OK && text.size > WEFT_COMMAND_SIZE_MAX) {
        err = weft_fail(msg, WEFT_ETOOBIG, "a command has at most %d bytes", WEFT_COMMAND_SIZE_MAX);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_nonce(&reader, "id", command->id, msg);
    }
    if (err == WEFT_OK) {
        err = read_place(&reader, command, msg);
    }
    if (err == WEFT_OK) {
        err = read_what(&reader, command, msg);
    }
    if (err == WEFT_OK) {
        err = read_args(&reader, command, msg);
    }
    if (err == WEFT_OK) {
        err = read_pres(&reader, command, msg);
    }
    if (err == WEFT_OK) {
        err = read_posts(&reader, command, msg);
    }
    if (err == WEFT_OK) {
        err = read_rules(&reader, command, msg);
    }
    if (err == WEFT_OK) {
        err = read_life(&reader, command, msg);
    }
    if (err == WEFT_OK) {
        err = read_signer(&reader, command, msg);
    }
    return err == WEFT_OK ? weft_document_close(&reader, msg) : err;
}

enum weft_err weft_command_note_decode(
    struct weft_text text, struct weft_command_note *ret_command, struct weft_msg *msg)
{
    struct weft_command_note command = {.arg_count = 0};
    struct weft_buffer again = {.size_max = WEFT_COMMAND_SIZE_MAX + 1};
    enum weft_err err = read_all(text, &command, msg);
    if (err != WEFT_OK) {
        return err;
    }
    /* ACT-1: a second check of what each line has been checked for. */
    err = weft_document_expect_again(text, write_all(&command, &again), &again, msg);
    if (err == WEFT_OK) {
        command.digest = weft_sha256(text.data, text.size);
        *ret_command = command;
    }
    return err;
}

enum weft_err weft_command_note_encode(
    const struct weft_command_note *command, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_command_note again;
    enum weft_err err = write_all(command, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_command_note_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}
