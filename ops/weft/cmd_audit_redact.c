#include <inttypes.h>
#include <stdio.h>

#include "ops/weft/client.h"
#include "ops/weft/command.h"
#include "ops/weft/committer.h"
#include "proto/digest.h"

/* audit redact: a record of kind `redaction` (node/state/README.md, Redaction). */

enum {
    FIELDS_MAX = 4
};

static void on_commit(
    void *ctx, const struct weft_commit_result *result, uint32_t first_line, uint32_t last_line)
{
    (void)first_line, (void)last_line;
    *(uint64_t *)ctx = result->index;
}

/* Of a field: operands are asset, kind and path; --rev says which record. */
static enum weft_err read_fields(const struct weft_args *args, struct weft_record *record,
    struct weft_field *fields, struct weft_msg *msg)
{
    static char index[24];
    uint64_t rev = 0;
    if (args->operand_count != 3 || !weft_args_has(args, "rev")) {
        return weft_fail(msg, WEFT_EINVAL, "ASSET, KIND and PATH, and --rev; or --evidence");
    }
    enum weft_err err = weft_args_number(args, "rev", 1, UINT64_MAX, 0, &rev, msg);
    (void)snprintf(index, sizeof(index), "%" PRIu64, rev);
    record->asset = weft_text_of(args->operands[0]);
    fields[0] =
        (struct weft_field){WEFT_TEXT("kind"), weft_text_of(args->operands[1]), WEFT_VALUE_TEXT};
    fields[1] = (struct weft_field){WEFT_TEXT("index"), weft_text_of(index), WEFT_VALUE_INT};
    fields[2] =
        (struct weft_field){WEFT_TEXT("path"), weft_text_of(args->operands[2]), WEFT_VALUE_TEXT};
    record->field_count = 3;
    return err;
}

static enum weft_err read_evidence(const struct weft_args *args, const char *evidence,
    struct weft_record *record, struct weft_field *fields, struct weft_msg *msg)
{
    struct weft_digest digest;
    if (args->operand_count != 0 || weft_args_has(args, "rev")) {
        return weft_fail(msg, WEFT_EINVAL, "--evidence names all that is redacted");
    }
    record->asset = WEFT_TEXT("weft:audit");
    fields[0] = (struct weft_field){WEFT_TEXT("evidence"), weft_text_of(evidence), WEFT_VALUE_TEXT};
    record->field_count = 1;
    return weft_digest_parse(weft_text_of(evidence), &digest) == WEFT_OK
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "%.80s: not \"sha256:...\"", evidence);
}

static enum weft_err redact(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    struct weft_field fields[FIELDS_MAX];
    struct weft_record record = {.kind = WEFT_TEXT("redaction"), .fields = fields};
    struct weft_committer committer = {.client = NULL};
    const char *reason = weft_args_text(args, "reason", NULL);
    const char *evidence = weft_args_text(args, "evidence", NULL);
    uint64_t index = 0;
    if (reason == NULL) {
        return weft_fail(msg, WEFT_EINVAL, "--reason is missing: it stays");
    }
    enum weft_err err = evidence != NULL ? read_evidence(args, evidence, &record, fields, msg)
                                         : read_fields(args, &record, fields, msg);
    fields[record.field_count++] =
        (struct weft_field){WEFT_TEXT("reason"), weft_text_of(reason), WEFT_VALUE_TEXT};
    if (err == WEFT_OK) {
        err = weft_committer_init(&committer, client, 0, 1, on_commit, &index, msg);
    }
    if (err == WEFT_OK) {
        err = weft_committer_add(&committer, &record, 1, msg);
        err = err == WEFT_OK ? weft_committer_finish(&committer, msg) : err;
        weft_committer_destroy(&committer);
    }
    if (err == WEFT_OK) {
        (void)printf("redacted with index %" PRIu64 "\n", index);
    }
    return err;
}

enum weft_exit weft_cmd_audit_redact(const struct weft_args *args)
{
    return weft_with_client(args, redact);
}
