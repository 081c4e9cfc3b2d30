#include "policy/command/handover_note.h"

#include <inttypes.h>

#include "proto/check.h"

static const uint64_t second_ns = 1000 * 1000 * 1000;

static const char *const ranks[WEFT_COMMAND_RANKS] = {
    [WEFT_COMMAND_OPERATOR] = "operator",
    [WEFT_COMMAND_AUTOMATION] = "automation",
    [WEFT_COMMAND_OPTIMIZER] = "optimizer",
    [WEFT_COMMAND_PARTNER] = "partner",
};

const char *weft_command_rank_name(enum weft_command_rank rank)
{
    weft_assert((unsigned)rank < WEFT_COMMAND_RANKS); /* ACT-1 */
    return ranks[rank];
}

static enum weft_err read_rank(struct weft_document_reader *reader, const char *key,
    enum weft_command_rank *ret_rank, struct weft_msg *msg)
{
    struct weft_text value = {"", 0};
    enum weft_err err = weft_document_read(reader, key, &value, msg);
    if (err != WEFT_OK) {
        return err;
    }
    for (int i = 0; i < WEFT_COMMAND_RANKS; i++) {
        if (weft_text_is(value, ranks[i])) {
            *ret_rank = (enum weft_command_rank)i;
            return WEFT_OK;
        }
    }
    return weft_document_fail(
        reader, msg, WEFT_EMALFORMED, "\"%s\" is operator, automation, optimizer or partner", key);
}

static enum weft_err read_channel(
    struct weft_document_reader *reader, struct weft_handover_note *handover, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read(reader, "channel", &handover->channel, msg);
    if (err == WEFT_OK && !weft_channel_is_valid(handover->channel)) {
        err = weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "\"channel\" is <site>/<gateway>/<machine>");
    }
    if (err == WEFT_OK) {
        err = weft_document_read_number(reader, "version", INT64_MAX, &handover->version, msg);
    }
    if (err == WEFT_OK) {
        err = read_rank(reader, "from", &handover->from, msg);
    }
    return err == WEFT_OK ? read_rank(reader, "to", &handover->to, msg) : err;
}

static enum weft_err read_signer(
    struct weft_document_reader *reader, struct weft_handover_note *handover, struct weft_msg *msg)
{
    enum weft_err err = weft_document_read_principal(reader, "signer", &handover->signer, msg);
    if (err == WEFT_OK && handover->signer.class != WEFT_PRINCIPAL_OP &&
        handover->signer.class != WEFT_PRINCIPAL_SVC) {
        err = weft_document_fail(reader, msg, WEFT_EINVAL, "a person or a program hands over");
    }
    if (err == WEFT_OK) {
        err = weft_command_note_read_printed(reader, &handover->printed_name, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_read(reader, "reason", &handover->reason, msg);
    }
    return err == WEFT_OK ? weft_document_read_time(reader, "signed-at", &handover->signed_ns, msg)
                          : err;
}

enum weft_err weft_handover_note_decode(
    struct weft_text text, struct weft_handover_note *ret_handover, struct weft_msg *msg)
{
    struct weft_handover_note handover = {.version = 0};
    struct weft_document_reader reader;
    enum weft_err err = weft_document_open(text, WEFT_DOCUMENT_HANDOVER, &reader, msg);
    if (err == WEFT_OK) {
        err = read_channel(&reader, &handover, msg);
    }
    if (err == WEFT_OK) {
        err = read_signer(&reader, &handover, msg);
    }
    if (err == WEFT_OK) {
        err = weft_document_close(&reader, msg);
    }
    if (err == WEFT_OK) {
        handover.digest = weft_sha256(text.data, text.size);
        *ret_handover = handover;
    }
    return err;
}

static enum weft_err write_all(const struct weft_handover_note *handover, struct weft_buffer *out)
{
    if ((unsigned)handover->from >= WEFT_COMMAND_RANKS ||
        (unsigned)handover->to >= WEFT_COMMAND_RANKS) {
        return WEFT_EINVAL;
    }
    enum weft_err err = weft_document_begin(out, WEFT_DOCUMENT_HANDOVER);
    if (err == WEFT_OK) {
        err = weft_document_write(out, "channel", handover->channel);
    }
    if (err == WEFT_OK) {
        err = weft_buffer_format(out, "version %" PRIu64 "\nfrom %s\nto %s\n", handover->version,
            ranks[handover->from], ranks[handover->to]);
    }
    if (err == WEFT_OK) {
        err = weft_document_write_principal(out, "signer", &handover->signer);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "printed-name", handover->printed_name);
    }
    if (err == WEFT_OK) {
        err = weft_document_write(out, "reason", handover->reason);
    }
    return err == WEFT_OK ? weft_document_write_time(out, "signed-at", handover->signed_ns) : err;
}

enum weft_err weft_handover_note_encode(
    const struct weft_handover_note *handover, struct weft_buffer *out, struct weft_msg *msg)
{
    size_t before = out->size;
    struct weft_handover_note again;
    enum weft_err err = write_all(handover, out), decoded = WEFT_OK;
    if (err == WEFT_OK) {
        decoded = weft_handover_note_decode(
            (struct weft_text){(const char *)out->data + before, out->size - before}, &again, msg);
    }
    return weft_document_end(out, before, err, decoded, msg);
}

enum weft_err weft_handover_check(const struct weft_handover_note *handover,
    const struct weft_command_authority *now, enum weft_command_rank signer, int64_t now_ns,
    struct weft_msg *msg)
{
    uint64_t apart_ns = now_ns > handover->signed_ns
                            ? (uint64_t)now_ns - (uint64_t)handover->signed_ns
                            : (uint64_t)handover->signed_ns - (uint64_t)now_ns;
    if (handover->version != now->version + 1 || handover->from != now->rank) {
        return weft_fail(msg, WEFT_ECONFLICT,
            "the channel is the %s's by version %" PRIu64 ": a hand-over is from there, with the "
            "next version",
            ranks[now->rank], now->version);
    }
    if (signer > now->rank) {
        return weft_fail(msg, WEFT_EREFUSED, "%s does not take a channel from %s", ranks[signer],
            ranks[now->rank]);
    }
    if (apart_ns > WEFT_HANDOVER_LAG_MAX_S * second_ns) {
        return weft_fail(msg, WEFT_EREFUSED, "signed more than %d s ago, or in the future",
            WEFT_HANDOVER_LAG_MAX_S);
    }
    return WEFT_OK;
}
