#include "policy/evidence.h"

#include <stdio.h>

#include "proto/check.h"

static const char label[] = "weft-commitment/v1 ";
static const char directory[] = "evidence/";
static const char digest_prefix[] = "sha256:";

static const char *const domain_words[WEFT_EVIDENCE_DOMAINS] = {
    [WEFT_EVIDENCE_BLOB] = "blob\n",
    [WEFT_EVIDENCE_ACTOR] = "actor\n",
    [WEFT_EVIDENCE_FIELD] = "field\n",
};

static const char *const finding_names[WEFT_EVIDENCE_FINDINGS] = {
    [WEFT_EVIDENCE_SOUND] = "sound",
    [WEFT_EVIDENCE_REDACTED] = "redacted",
    [WEFT_EVIDENCE_MISSING] = "missing",
    [WEFT_EVIDENCE_UNDEAD] = "undead",
    [WEFT_EVIDENCE_SWAPPED] = "swapped",
};

/* POL-53: the label ends with a newline and the salt has one size, so that no two domains and no
 * two pairs of salt and blob hash the same bytes. */
struct weft_digest weft_evidence_commit(
    enum weft_evidence_domain domain, const struct weft_evidence_salt *salt, struct weft_bytes blob)
{
    struct weft_sha256 h;
    weft_assert((unsigned)domain < WEFT_EVIDENCE_DOMAINS); /* POL-53 */
    weft_sha256_init(&h);
    weft_sha256_update(&h, label, sizeof(label) - 1);
    weft_sha256_update(&h, domain_words[domain], strlen(domain_words[domain]));
    weft_sha256_update(&h, salt->bytes, sizeof(salt->bytes));
    weft_sha256_update(&h, blob.data, blob.size);
    return weft_sha256_final(&h);
}

enum weft_err weft_evidence_verify(enum weft_evidence_domain domain,
    const struct weft_evidence_salt *salt, struct weft_bytes blob,
    const struct weft_digest *commitment, struct weft_msg *msg)
{
    const struct weft_digest found = weft_evidence_commit(domain, salt, blob);
    if (!weft_digest_equal(&found, commitment)) {
        return weft_fail(msg, WEFT_EBADSIG, "not what was committed to");
    }
    return WEFT_OK;
}

/* --- files ----------------------------------------------------------------------------------- */

void weft_evidence_format_path(
    const struct weft_digest *commitment, char ret_path[WEFT_EVIDENCE_PATH_SIZE])
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(commitment, text);
    (void)snprintf(
        ret_path, WEFT_EVIDENCE_PATH_SIZE, "%s%s", directory, text + sizeof(digest_prefix) - 1);
}

enum weft_err weft_evidence_parse_path(struct weft_text path, struct weft_digest *ret_commitment)
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    const size_t skip = sizeof(directory) - 1;
    if (path.size != WEFT_EVIDENCE_PATH_SIZE - 1 || memcmp(path.data, directory, skip) != 0) {
        return WEFT_EMALFORMED;
    }
    (void)snprintf(
        text, sizeof(text), "%s%.*s", digest_prefix, (int)(path.size - skip), path.data + skip);
    return weft_digest_parse(weft_text_of(text), ret_commitment);
}

enum weft_err weft_evidence_encode(
    const struct weft_evidence_salt *salt, struct weft_bytes blob, struct weft_buffer *out)
{
    if (blob.size > WEFT_EVIDENCE_SIZE_MAX) {
        return WEFT_ETOOBIG;
    }
    enum weft_err err = weft_buffer_reserve(out, sizeof(salt->bytes) + blob.size);
    if (err == WEFT_OK) {
        err = weft_buffer_append(out, salt->bytes, sizeof(salt->bytes));
    }
    return err == WEFT_OK ? weft_buffer_append(out, blob.data, blob.size) : err;
}

enum weft_err weft_evidence_open(struct weft_bytes file, const struct weft_digest *commitment,
    struct weft_bytes *ret_blob, struct weft_msg *msg)
{
    struct weft_evidence_salt salt;
    if (file.size < sizeof(salt.bytes)) {
        return weft_fail(msg, WEFT_EMALFORMED, "%zu bytes have no salt", file.size);
    }
    if (file.size - sizeof(salt.bytes) > WEFT_EVIDENCE_SIZE_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "over %d bytes", WEFT_EVIDENCE_SIZE_MAX);
    }
    memcpy(salt.bytes, file.data, sizeof(salt.bytes));
    struct weft_bytes blob = {file.data + sizeof(salt.bytes), file.size - sizeof(salt.bytes)};
    enum weft_err err = weft_evidence_verify(WEFT_EVIDENCE_BLOB, &salt, blob, commitment, msg);
    if (err == WEFT_OK) {
        *ret_blob = blob;
    }
    return err;
}

/* --- what may go ----------------------------------------------------------------------------- */

static void check(const struct weft_evidence_record *record)
{
    weft_assert(record->hold_count <= WEFT_EVIDENCE_HOLDS_MAX);   /* POL-54 */
    weft_assert(!record->is_redacted || record->hold_count == 0); /* POL-54 */
    for (uint32_t i = 1; i < record->hold_count; i++) {
        weft_assert(strcmp(record->holds[i - 1].name, record->holds[i].name) < 0); /* POL-54 */
    }
}

static bool is_name(struct weft_text name)
{
    if (name.size == 0 || name.size > WEFT_EVIDENCE_HOLD_NAME_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_') {
            return false;
        }
    }
    return true;
}

/* The place of a name among the holds, or where it would go. */
static uint32_t place_of(
    const struct weft_evidence_record *record, struct weft_text name, bool *ret_is_there)
{
    for (uint32_t i = 0; i < record->hold_count; i++) {
        int order = weft_text_compare(name, weft_text_of(record->holds[i].name));
        if (order <= 0) {
            *ret_is_there = order == 0;
            return i;
        }
    }
    *ret_is_there = false;
    return record->hold_count;
}

enum weft_err weft_evidence_hold(struct weft_evidence_record *record, struct weft_text name,
    int64_t until_ns, struct weft_msg *msg)
{
    bool is_there;
    check(record);
    if (record->is_redacted) {
        return weft_fail(msg, WEFT_ESTATE, "it was redacted: there is nothing to hold");
    }
    if (!is_name(name)) {
        return weft_fail(msg, WEFT_EINVAL, "a hold's name is 1 to %d of A-Z a-z 0-9 . - _",
            WEFT_EVIDENCE_HOLD_NAME_SIZE_MAX);
    }
    uint32_t at = place_of(record, name, &is_there);
    struct weft_evidence_hold *hold = &record->holds[at];
    if (is_there) {
        hold->until_ns = until_ns > hold->until_ns ? until_ns : hold->until_ns;
        return WEFT_OK;
    }
    if (record->hold_count == WEFT_EVIDENCE_HOLDS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "over %d holds", WEFT_EVIDENCE_HOLDS_MAX);
    }
    memmove(hold + 1, hold, (record->hold_count - at) * sizeof(*hold));
    *hold = (struct weft_evidence_hold){.until_ns = until_ns};
    memcpy(hold->name, name.data, name.size);
    record->hold_count++;
    check(record);
    return WEFT_OK;
}

enum weft_err weft_evidence_release(
    struct weft_evidence_record *record, struct weft_text name, struct weft_msg *msg)
{
    bool is_there;
    check(record);
    uint32_t at = place_of(record, name, &is_there);
    if (!is_there) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no hold \"%.*s\"",
            (int)(name.size < 80 ? name.size : 80), name.data);
    }
    struct weft_evidence_hold *hold = &record->holds[at];
    record->hold_count--;
    memmove(hold, hold + 1, (record->hold_count - at) * sizeof(*hold));
    memset(&record->holds[record->hold_count], 0, sizeof(*hold));
    check(record);
    return WEFT_OK;
}

/* POL-54 */
enum weft_err weft_evidence_redact(
    struct weft_evidence_record *record, int64_t now_ns, uint64_t leaf, struct weft_msg *msg)
{
    check(record);
    if (record->is_redacted) {
        return weft_fail(msg, WEFT_ESTATE, "it was redacted already");
    }
    for (uint32_t i = 0; i < record->hold_count; i++) {
        const struct weft_evidence_hold *hold = &record->holds[i];
        if (hold->until_ns == WEFT_EVIDENCE_FOREVER || hold->until_ns > now_ns) {
            return weft_fail(msg, WEFT_EREFUSED, "it is held: \"%s\"", hold->name);
        }
    }
    *record = (struct weft_evidence_record){.is_redacted = true, .leaf = leaf};
    return WEFT_OK;
}

/* --- what an auditor finds ------------------------------------------------------------------- */

const char *weft_evidence_finding_name(enum weft_evidence_finding finding)
{
    weft_assert((unsigned)finding < WEFT_EVIDENCE_FINDINGS); /* POL-55 */
    return finding_names[finding];
}

/* POL-55 */
enum weft_evidence_finding weft_evidence_judge(
    const struct weft_digest *commitment, const struct weft_bytes *file, bool is_redacted)
{
    struct weft_bytes blob;
    if (file == NULL) {
        return is_redacted ? WEFT_EVIDENCE_REDACTED : WEFT_EVIDENCE_MISSING;
    }
    if (weft_evidence_open(*file, commitment, &blob, NULL) != WEFT_OK) {
        return WEFT_EVIDENCE_SWAPPED;
    }
    return is_redacted ? WEFT_EVIDENCE_UNDEAD : WEFT_EVIDENCE_SOUND;
}
