#include "policy/chain.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/check.h"

static const struct {
    const char *name;
    enum weft_err err;
} faults[WEFT_CHAIN_FAULTS] = {
    [WEFT_CHAIN_SOUND] = {"sound", WEFT_OK},
    [WEFT_CHAIN_REPEATED] = {"repeated", WEFT_ECONFLICT},
    [WEFT_CHAIN_ROLLBACK] = {"rollback", WEFT_ECONFLICT},
    [WEFT_CHAIN_FAST_FORWARD] = {"fast-forward", WEFT_ECONFLICT},
    [WEFT_CHAIN_FORK] = {"fork", WEFT_ECONFLICT},
    [WEFT_CHAIN_FREEZE] = {"freeze", WEFT_EREFUSED},
    [WEFT_CHAIN_DUPLICATE_KEY_ID] = {"duplicate-key-id", WEFT_EINVAL},
    [WEFT_CHAIN_THRESHOLD] = {"threshold", WEFT_EREFUSED},
};

const char *weft_chain_fault_name(enum weft_chain_fault fault)
{
    weft_assert((unsigned)fault < WEFT_CHAIN_FAULTS); /* POL-27 */
    return faults[fault].name;
}

enum weft_err weft_chain_fail(enum weft_chain_fault fault, enum weft_chain_fault *ret_fault,
    struct weft_msg *msg, const char *format, ...)
{
    char reason[sizeof(msg->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    *ret_fault = fault;
    return weft_fail(msg, faults[fault].err, "%s: %s", weft_chain_fault_name(fault), reason);
}

/* Version and digests alone. */
static enum weft_err check_order(const struct weft_chain_link *current,
    const struct weft_chain_link *next, enum weft_chain_fault *ret_fault, struct weft_msg *msg)
{
    unsigned long long version = next->version, now = current != NULL ? current->version : 0;
    if (version < now) {
        return weft_chain_fail(WEFT_CHAIN_ROLLBACK, ret_fault, msg,
            "version %llu, and %llu is in force", version, now);
    }
    if (version == now) { /* Of no document there is no version 0: decoding sees to that. */
        return weft_digest_equal(&current->digest, &next->digest)
                   ? weft_chain_fail(
                         WEFT_CHAIN_REPEATED, ret_fault, msg, "version %llu is in force", version)
                   : weft_chain_fail(WEFT_CHAIN_FORK, ret_fault, msg,
                         "another version %llu is in force", version);
    }
    if (version - now > 1) {
        return weft_chain_fail(
            WEFT_CHAIN_FAST_FORWARD, ret_fault, msg, "version %llu follows %llu", version, now);
    }
    if (current != NULL && !weft_digest_equal(&current->digest, &next->prev)) {
        return weft_chain_fail(WEFT_CHAIN_FORK, ret_fault, msg,
            "version %llu follows another version %llu than the one in force", version, now);
    }
    return WEFT_OK;
}

enum weft_err weft_chain_check(const struct weft_chain_link *current,
    const struct weft_chain_link *next, int64_t now_ns, enum weft_chain_fault *ret_fault,
    struct weft_msg *msg)
{
    weft_assert(next->version > 0); /* POL-27: weft_chain_read */
    *ret_fault = WEFT_CHAIN_SOUND;
    enum weft_err err = check_order(current, next, ret_fault, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (weft_chain_freshness(next, now_ns) != WEFT_CHAIN_SOUND) {
        return weft_chain_fail(WEFT_CHAIN_FREEZE, ret_fault, msg, "version %llu is out of date",
            (unsigned long long)next->version);
    }
    return WEFT_OK;
}

enum weft_chain_fault weft_chain_freshness(const struct weft_chain_link *current, int64_t now_ns)
{
    return now_ns < current->expires_ns ? WEFT_CHAIN_SOUND : WEFT_CHAIN_FREEZE;
}

static enum weft_err read_prev(
    struct weft_document_reader *reader, struct weft_chain_link *link, struct weft_msg *msg)
{
    if (link->version > 1) {
        return weft_document_read_digest(reader, "prev", &link->prev, msg);
    }
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, "prev", &value, msg);
    if (err == WEFT_OK && !weft_text_is(value, "none")) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "version 1 has \"prev none\"");
    }
    return err;
}

enum weft_err weft_chain_read(struct weft_document_reader *reader, struct weft_text text,
    bool has_expiry, struct weft_chain_link *ret_link, struct weft_msg *msg)
{
    struct weft_chain_link link = {
        .expires_ns = INT64_MAX, .digest = weft_sha256(text.data, text.size)};
    enum weft_err err =
        weft_document_read_number(reader, "version", UINT32_MAX, &link.version, msg);
    if (err == WEFT_OK && link.version == 0) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "the first version is 1");
    }
    if (err == WEFT_OK) {
        err = read_prev(reader, &link, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read_time(reader, "issued", &link.issued_ns, msg);
    }
    if (err == WEFT_OK && has_expiry) {
        err = weft_document_read_time(reader, "expires", &link.expires_ns, msg);
    }
    if (err == WEFT_OK && link.expires_ns <= link.issued_ns) {
        err = weft_document_fail(reader, msg, WEFT_EMALFORMED, "it expires before it is issued");
    }
    if (err == WEFT_OK) {
        *ret_link = link;
    }
    return err;
}

enum weft_err weft_chain_write(struct weft_buffer *out, const struct weft_chain_link *link)
{
    enum weft_err err = weft_document_write_number(out, "version", link->version);
    if (err == WEFT_OK) {
        err = link->version > 1 ? weft_document_write_digest(out, "prev", &link->prev)
                                : weft_document_write(out, "prev", WEFT_TEXT("none"));
    }
    if (err == WEFT_OK) {
        err = weft_document_write_time(out, "issued", link->issued_ns);
    }
    if (err == WEFT_OK && link->expires_ns != INT64_MAX) {
        err = weft_document_write_time(out, "expires", link->expires_ns);
    }
    return err;
}
