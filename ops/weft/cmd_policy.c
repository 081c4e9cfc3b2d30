#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/authority_note.h"
#include "ops/weft/files.h"
#include "ops/weft/keys.h"
#include "ops/weft/output.h"
#include "ops/weft/policy_source.h"
#include "policy/policy_change.h"
#include "proto/limits.h"

/* policy check, show, sign, apply, diff. */

enum {
    KEYS_MAX = WEFT_ORG_ADMINS_MAX,
    DIFF_ARENA_SIZE_MAX = 16 * 1024 * 1024, /* chosen: ten lines for each statement */
};

/* --- check ----------------------------------------------------------------------------------- */

static enum weft_err report_check(const struct weft_args *args, const char *path,
    const struct weft_policy *policy, struct weft_msg *msg)
{
    const struct weft_policy_head *head = weft_policy_head(policy);
    const struct weft_policy_bounds *b = weft_policy_bounds(policy);
    enum weft_format format;
    char digest[WEFT_DIGEST_TEXT_SIZE];
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    weft_digest_format(&head->digest, digest);
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%s: policy %.*s %" PRIu64 ", %u statements, %u groups and scopes\n"
                     "  at worst %u of %d steps for a decision, %u for a field; dearest is %s "
                     "%.*s with %u\n  %s\n",
            path, (int)head->name.size, head->name.data, head->version, b->statements,
            b->definitions, b->steps_max, WEFT_POLICY_STEPS_MAX, b->field_steps_max,
            weft_policy_statement_kind_name(b->worst_kind), (int)b->worst_name.size,
            b->worst_name.data, b->worst_steps, digest);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "file", weft_text_of(path));
    weft_writer_text(&w, "name", head->name);
    weft_writer_unsigned(&w, "version", head->version);
    weft_writer_text(&w, "digest", weft_text_of(digest));
    weft_writer_unsigned(&w, "statements", b->statements);
    weft_writer_unsigned(&w, "definitions", b->definitions);
    weft_writer_unsigned(&w, "steps_max", b->steps_max);
    weft_writer_unsigned(&w, "field_steps_max", b->field_steps_max);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

enum weft_exit weft_cmd_policy_check(const struct weft_args *args)
{
    struct weft_policy_source source = {.rev = 0};
    struct weft_msg msg;
    enum weft_err err = weft_policy_source_file(args->operands[0], &source, &msg);
    if (err == WEFT_OK) {
        err = report_check(args, args->operands[0], source.policy, &msg);
    }
    weft_policy_source_destroy(&source);
    return weft_complain(err, &msg);
}

/* --- show ------------------------------------------------------------------------------------ */

static void print_text(struct weft_text text)
{
    (void)fwrite(text.data, 1, text.size, stdout);
}

/* The text with the head that the next version has: for an editor. */
static void print_next(const struct weft_policy_source *source)
{
    const struct weft_policy_head *head = weft_policy_head(source->policy);
    char digest[WEFT_DIGEST_TEXT_SIZE];
    struct weft_text rest = source->text;
    weft_digest_format(&head->digest, digest);
    bool has_head = false;
    while (rest.size > 0) {
        const char *end = memchr(rest.data, '\n', rest.size);
        size_t size = end != NULL ? (size_t)(end - rest.data) + 1 : rest.size;
        struct weft_text line = {rest.data, size};
        bool is_head = size > 7 && memcmp(line.data, "policy ", 7) == 0;
        bool is_prev = size > 5 && memcmp(line.data, "prev ", 5) == 0;
        if (is_head && !has_head) {
            has_head = true;
            (void)printf("policy %.*s %" PRIu64 "\nprev %s\n", (int)head->name.size,
                head->name.data, head->version + 1, digest);
        } else if (!is_prev) {
            print_text(line);
        }
        rest = (struct weft_text){rest.data + size, rest.size - size};
    }
}

static enum weft_err show(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_policy_source policy = {.rev = 0};
    struct weft_org_source org = {.bytes = {0}};
    bool is_org = weft_args_has(args, "org");
    enum weft_err err = is_org ? weft_org_source_site(client, &org, msg)
                               : weft_policy_source_site(client, &policy, msg);
    const struct weft_buffer *bytes = is_org ? &org.bytes : &policy.bytes;
    if (err == WEFT_OK && weft_args_has(args, "note")) {
        print_text(weft_buffer_as_text(bytes));
    } else if (err == WEFT_OK && weft_args_has(args, "next") && !is_org) {
        print_next(&policy);
    } else if (err == WEFT_OK) {
        print_text(is_org ? org.text : policy.text);
    }
    weft_policy_source_destroy(&policy);
    weft_org_source_destroy(&org);
    return err;
}

enum weft_exit weft_cmd_policy_show(const struct weft_args *args)
{
    return weft_with_client(args, show);
}

/* --- diff ------------------------------------------------------------------------------------ */

static enum weft_err report_diff(const struct weft_args *args, const struct weft_policy *old,
    const struct weft_policy *new, FILE *out, struct weft_msg *msg)
{
    struct weft_arena arena = {.size_max = DIFF_ARENA_SIZE_MAX};
    struct weft_policy_differences d;
    enum weft_format format;
    struct weft_writer w = {0};
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = weft_policy_diff(old, new, &arena, &d);
        err = err == WEFT_OK ? err : weft_fail(msg, err, "compare policies");
    }
    weft_writer_open(&w, NULL, '[');
    for (uint32_t i = 0; err == WEFT_OK && i < d.count; i++) {
        const struct weft_policy_difference *x = &d.items[i];
        const char *direction = weft_policy_direction_name(x->direction);
        if (format == WEFT_FORMAT_TABLE || out != stdout) {
            (void)fprintf(out, "%-8s %.*s\n", direction, (int)x->what.size, x->what.data);
            continue;
        }
        weft_writer_open(&w, NULL, '{');
        weft_writer_text(&w, "direction", weft_text_of(direction));
        weft_writer_text(&w, "what", x->what);
        weft_writer_unsigned(&w, "old_line", x->old_line);
        weft_writer_unsigned(&w, "new_line", x->new_line);
        weft_writer_close(&w, '}');
    }
    weft_writer_close(&w, ']');
    if (err == WEFT_OK && format != WEFT_FORMAT_TABLE && out == stdout) {
        err = weft_writer_print(&w, stdout, msg);
    } else if (err == WEFT_OK) {
        (void)fprintf(out, "%s\n", weft_policy_direction_name(d.direction));
    }
    weft_writer_destroy(&w);
    weft_arena_destroy(&arena);
    return err;
}

static enum weft_err diff_files(const struct weft_args *args, struct weft_msg *msg)
{
    struct weft_policy_source old = {.rev = 0}, new = {.rev = 0};
    enum weft_err err = weft_policy_source_file(args->operands[0], &old, msg);
    if (err == WEFT_OK) {
        err = weft_policy_source_file(args->operands[1], &new, msg);
    }
    if (err == WEFT_OK) {
        err = report_diff(args, old.policy, new.policy, stdout, msg);
    }
    weft_policy_source_destroy(&new);
    weft_policy_source_destroy(&old);
    return err;
}

static enum weft_err diff_site(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_policy_source old = {.rev = 0}, new = {.rev = 0};
    enum weft_err err = weft_policy_source_file(args->operands[0], &new, msg);
    if (err == WEFT_OK) {
        err = weft_policy_source_site(client, &old, msg);
    }
    if (err == WEFT_OK) {
        err = report_diff(args, old.policy, new.policy, stdout, msg);
    }
    weft_policy_source_destroy(&new);
    weft_policy_source_destroy(&old);
    return err;
}

enum weft_exit weft_cmd_policy_diff(const struct weft_args *args)
{
    struct weft_msg msg;
    return args->operand_count == 2 ? weft_complain(diff_files(args, &msg), &msg)
                                    : weft_with_client(args, diff_site);
}

/* --- sign and apply -------------------------------------------------------------------------- */

/* Lines of the keys that are given, appended. */
static enum weft_err sign_lines(const struct weft_args *args, struct weft_text text,
    struct weft_buffer *lines, struct weft_msg *msg)
{
    enum weft_err err = WEFT_OK;
    const char *path;
    for (int i = 0; err == WEFT_OK && (path = weft_args_nth(args, "key", i)) != NULL; i++) {
        struct weft_signer signer;
        err = weft_keys_open(args, path, &signer, msg);
        if (err == WEFT_OK) {
            err = weft_note_sign_line(text, &signer, 0, lines, msg);
            weft_signer_wipe(&signer);
        }
    }
    return err;
}

enum weft_exit weft_cmd_policy_sign(const struct weft_args *args)
{
    struct weft_policy_source source = {.rev = 0};
    struct weft_buffer lines = {.size_max = WEFT_NOTE_SIZE_MAX};
    struct weft_msg msg;
    enum weft_err err = weft_policy_source_file(args->operands[0], &source, &msg);
    if (err == WEFT_OK && weft_args_nth(args, "key", 0) == NULL) {
        err = weft_fail(&msg, WEFT_EINVAL, "--key FILE is missing: the key that signs");
    }
    if (err == WEFT_OK) {
        err = sign_lines(args, source.text, &lines, &msg);
    }
    if (err == WEFT_OK) {
        print_text(weft_buffer_as_text(&lines));
    }
    weft_buffer_destroy(&lines);
    weft_policy_source_destroy(&source);
    return weft_complain(err, &msg);
}

/* Signature lines that others made, and those of a file that is a note already. */
static enum weft_err collect_lines(const struct weft_args *args,
    const struct weft_policy_source *source, struct weft_authority_note *note, struct weft_msg *msg)
{
    const struct weft_text all = weft_buffer_as_text(&source->bytes);
    size_t before = source->text.size + 1; /* And the blank line. */
    const char *path;
    enum weft_err err = weft_buffer_text(&note->text, source->text);
    if (err == WEFT_OK && all.size > before) {
        err = weft_buffer_append(&note->lines, all.data + before, all.size - before);
    }
    for (int i = 0; err == WEFT_OK && (path = weft_args_nth(args, "signature", i)) != NULL; i++) {
        err = weft_files_read(path, &note->lines, msg);
    }
    if (err == WEFT_OK) {
        err = sign_lines(args, source->text, &note->lines, msg);
    }
    if (err == WEFT_OK && note->lines.size == 0) {
        err = weft_fail(msg, WEFT_EINVAL,
            "nobody has signed it: --key FILE of an admin, or --signature FILE of weft policy "
            "sign");
    }
    return err;
}

static enum weft_err apply(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_policy_source new = {.rev = 0}, old = {.rev = 0};
    struct weft_authority_note note = {.lines = {.size_max = WEFT_NOTE_SIZE_MAX}};
    struct weft_note parsed;
    uint64_t index = 0;
    enum weft_err err = weft_policy_source_file(args->operands[0], &new, msg);
    if (err == WEFT_OK) {
        err = collect_lines(args, &new, &note, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_join(&note, &parsed, msg);
    }
    if (err == WEFT_OK) {
        err = weft_policy_source_site(client, &old, msg);
    }
    if (err == WEFT_OK) {
        err = report_diff(args, old.policy, new.policy, stderr, msg);
    }
    if (err == WEFT_OK && !weft_args_has(args, "dry-run")) {
        /* On the revision that was compared with, so that nobody's policy is passed over. */
        err = weft_authority_note_commit(
            client, "authority:policy", weft_buffer_as_text(&note.joined), &old.rev, &index, msg);
    }
    if (err == WEFT_OK && index > 0) {
        const struct weft_policy_head *head = weft_policy_head(new.policy);
        (void)printf("policy %.*s %" PRIu64 " is in force behind index %" PRIu64 "\n",
            (int)head->name.size, head->name.data, head->version, index);
    }
    weft_authority_note_destroy(&note);
    weft_policy_source_destroy(&old);
    weft_policy_source_destroy(&new);
    return err;
}

enum weft_exit weft_cmd_policy_apply(const struct weft_args *args)
{
    return weft_with_client(args, apply);
}
