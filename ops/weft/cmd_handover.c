#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ops/weft/command.h"
#include "ops/weft/consent.h"
#include "ops/weft/output.h"
#include "ops/weft/query.h"
#include "ops/weft/site_keys.h"
#include "policy/command/command_judge.h"
#include "proto/time.h"

/* command take, give-back, authority: who may command a channel. */

static const int64_t ms_ns = 1000 * 1000;

/* The newest hand-over of a channel; none: it is the operator's, as every channel at first. */
struct newest {
    struct weft_command_authority authority;
    uint64_t index; /* 0: nobody has handed it over yet. */
    struct weft_principal signer;
    int64_t signed_ns;
    char reason[256];
};

static enum weft_err on_page(void *ctx, const struct weft_page *page, struct weft_msg *msg)
{
    struct newest *n = ctx;
    for (uint32_t i = 0; i < page->record_count; i++) {
        const struct weft_record *r = &page->records[i].record;
        struct weft_note note;
        struct weft_handover_note handover;
        if (r->field_count != 1 || !weft_text_is(r->fields[0].path, "note")) {
            continue;
        }
        enum weft_err err = weft_note_parse(r->fields[0].value, &note, msg);
        if (err == WEFT_OK) {
            err = weft_handover_note_decode(note.text, &handover, msg);
        }
        if (err != WEFT_OK) {
            return weft_wrap(msg, WEFT_ECORRUPT, "the site's hand-over");
        }
        if (handover.version > n->authority.version) {
            *n = (struct newest){.authority = {handover.version, handover.to},
                .index = page->records[i].index,
                .signer = handover.signer,
                .signed_ns = handover.signed_ns};
            (void)snprintf(n->reason, sizeof(n->reason), "%.*s", (int)handover.reason.size,
                handover.reason.data);
        }
    }
    return WEFT_OK;
}

/* `asset`: "channel:<channel>". */
static enum weft_err read_newest(
    struct weft_client *client, const char *asset, struct newest *n, struct weft_msg *msg)
{
    const struct weft_query query = {.type = WEFT_QUERY_FIND,
        .kind = WEFT_TEXT("handover"),
        .asset_glob = weft_text_of(asset),
        .limit = 100};
    *n = (struct newest){.authority = {0, WEFT_COMMAND_OPERATOR}};
    return weft_query_pages(client, &query, 0, on_page, n, msg);
}

static enum weft_err name_asset(const char *channel, char asset[WEFT_ASSET_SIZE_MAX + 1],
    struct weft_text *ret_channel, struct weft_msg *msg)
{
    static const char prefix[] = "channel:";
    const char *name =
        strncmp(channel, prefix, sizeof(prefix) - 1) == 0 ? channel + sizeof(prefix) - 1 : channel;
    *ret_channel = weft_text_of(name);
    if (!weft_channel_is_valid(*ret_channel)) {
        return weft_fail(msg, WEFT_EINVAL, "%.80s: a channel is SITE/GATEWAY/MACHINE", channel);
    }
    (void)snprintf(asset, WEFT_ASSET_SIZE_MAX + 1, "%s%s", prefix, name);
    return WEFT_OK;
}

/* --- take, give-back ------------------------------------------------------------------------- */

/* What the signer is by himself, as the site ranks him (policy/command/command_judge.c). */
static enum weft_err own_rank(struct weft_client *client, const struct weft_principal *who,
    enum weft_command_rank *ret_rank, struct weft_msg *msg)
{
    struct weft_org_source org = {.arena = {.size_max = 0}};
    enum weft_err err = weft_org_source_site(client, &org, msg);
    if (err == WEFT_OK) {
        const struct weft_command_law law = {.subjects = &org.subjects, .org = org.org.org};
        *ret_rank = weft_command_rank_of(&law, who);
    }
    weft_org_source_destroy(&org);
    return err;
}

static enum weft_err parse_rank(
    const char *word, enum weft_command_rank *ret_rank, struct weft_msg *msg)
{
    for (int i = 0; i < WEFT_COMMAND_RANKS; i++) {
        if (strcmp(word, weft_command_rank_name((enum weft_command_rank)i)) == 0) {
            *ret_rank = (enum weft_command_rank)i;
            return WEFT_OK;
        }
    }
    return weft_fail(
        msg, WEFT_EINVAL, "--to %.40s: operator, automation, optimizer or partner", word);
}

static enum weft_err report(const struct weft_args *args, struct weft_text channel,
    const struct weft_handover_note *handover, uint64_t index, struct weft_msg *msg)
{
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%.*s is the %s's from index %" PRIu64 " on, version %" PRIu64 "\n",
            (int)channel.size, channel.data, weft_command_rank_name(handover->to), index,
            handover->version);
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "channel", channel);
    weft_writer_text(&w, "from", weft_text_of(weft_command_rank_name(handover->from)));
    weft_writer_text(&w, "to", weft_text_of(weft_command_rank_name(handover->to)));
    weft_writer_unsigned(&w, "version", handover->version);
    weft_writer_unsigned(&w, "index", index);
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

/* One hand-over, while it is made. */
struct handing {
    const struct weft_args *args;
    struct weft_client *client;
    struct weft_signer signer;
    struct weft_authority_note note;
    struct weft_handover_note handover;
    char asset[WEFT_ASSET_SIZE_MAX + 1];
};

/* What would be refused is told before it is signed. */
static enum weft_err describe(struct handing *h, bool is_taking, struct weft_msg *msg)
{
    struct weft_handover_note *v = &h->handover;
    struct newest now;
    enum weft_command_rank own = WEFT_COMMAND_OPERATOR;
    const char *to = weft_args_text(h->args, "to", NULL);
    struct timespec clock;
    enum weft_err err = read_newest(h->client, h->asset, &now, msg);
    if (err == WEFT_OK) {
        err = own_rank(h->client, &v->signer, &own, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    v->version = now.authority.version + 1;
    v->from = now.authority.rank;
    v->to = is_taking ? own : WEFT_COMMAND_OPERATOR;
    err = to != NULL ? parse_rank(to, &v->to, msg) : WEFT_OK;
    if (err == WEFT_OK && !is_taking && own != now.authority.rank) {
        err = weft_fail(msg, WEFT_EREFUSED,
            "the channel is the %s's, and %s is the %s's: who has it gives it back; take it first",
            weft_command_rank_name(now.authority.rank), v->signer.name,
            weft_command_rank_name(own));
    }
    if (err == WEFT_OK && v->to == v->from) {
        err = weft_fail(
            msg, WEFT_ECONFLICT, "the channel is the %s's", weft_command_rank_name(v->from));
    }
    (void)clock_gettime(CLOCK_REALTIME, &clock);
    v->signed_ns = (int64_t)clock.tv_sec * 1000 * ms_ns + clock.tv_nsec / ms_ns * ms_ns;
    return err == WEFT_OK ? weft_handover_check(v, &now.authority, own, v->signed_ns, msg) : err;
}

static enum weft_err sign(struct handing *h, struct weft_msg *msg)
{
    struct weft_note parsed;
    uint64_t index = 0;
    enum weft_err err = weft_handover_note_encode(&h->handover, &h->note.text, msg);
    if (err == WEFT_OK) {
        err = weft_consent_ask(h->args, "the hand-over", weft_buffer_as_text(&h->note.text), msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_sign(&h->note, &h->signer, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_join(&h->note, &parsed, msg);
    }
    if (err == WEFT_OK) {
        err = weft_authority_note_commit_as(h->client, "handover", h->asset,
            weft_buffer_as_text(&h->note.joined), NULL, &index, msg);
    }
    return err == WEFT_OK ? report(h->args, h->handover.channel, &h->handover, index, msg) : err;
}

static enum weft_err hand_over(
    const struct weft_args *args, struct weft_client *client, bool is_taking, struct weft_msg *msg)
{
    struct handing h = {.args = args, .client = client};
    enum weft_err err = name_asset(args->operands[0], h.asset, &h.handover.channel, msg);
    if (err == WEFT_OK) {
        err = weft_consent_key(args, &h.signer, &h.handover.signer, msg);
    }
    if (err == WEFT_OK) {
        h.handover.printed_name = weft_consent_printed(args, &h.handover.signer);
        err = weft_consent_reason(args, &h.handover.reason, msg);
    }
    if (err == WEFT_OK) {
        err = describe(&h, is_taking, msg);
    }
    if (err == WEFT_OK) {
        err = sign(&h, msg);
    }
    weft_signer_wipe(&h.signer);
    weft_authority_note_destroy(&h.note);
    return err;
}

static enum weft_err take(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return hand_over(args, client, true, msg);
}

static enum weft_err give_back(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    return hand_over(args, client, false, msg);
}

enum weft_exit weft_cmd_command_take(const struct weft_args *args)
{
    return weft_with_client(args, take);
}

enum weft_exit weft_cmd_command_give_back(const struct weft_args *args)
{
    return weft_with_client(args, give_back);
}

/* --- who has it ------------------------------------------------------------------------------ */

static enum weft_err print(const struct weft_args *args, struct weft_text channel,
    const struct newest *n, struct weft_msg *msg)
{
    enum weft_format format;
    char who[WEFT_PRINCIPAL_TEXT_SIZE] = "", when[WEFT_TIME_TEXT_SIZE] = "";
    const char *rank = weft_command_rank_name(n->authority.rank);
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err != WEFT_OK) {
        return err;
    }
    if (n->index != 0) {
        weft_principal_format(&n->signer, who);
        weft_time_format(n->signed_ns, when);
    }
    if (format == WEFT_FORMAT_TABLE) {
        (void)printf("%.*s is the %s's, version %" PRIu64 "\n", (int)channel.size, channel.data,
            rank, n->authority.version);
        if (n->index != 0) {
            (void)printf("by %s at %s: %s\n", who, when, n->reason);
        }
        return WEFT_OK;
    }
    struct weft_writer w = {0};
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "channel", channel);
    weft_writer_text(&w, "rank", weft_text_of(rank));
    weft_writer_unsigned(&w, "version", n->authority.version);
    if (n->index != 0) {
        weft_writer_unsigned(&w, "index", n->index);
        weft_writer_text(&w, "signer", weft_text_of(who));
        weft_writer_text(&w, "signed_at", weft_text_of(when));
        weft_writer_text(&w, "reason", weft_text_of(n->reason));
    }
    weft_writer_close(&w, '}');
    err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

static enum weft_err authority(
    const struct weft_args *args, struct weft_client *client, struct weft_msg *msg)
{
    char asset[WEFT_ASSET_SIZE_MAX + 1];
    struct weft_text channel = {NULL, 0};
    struct newest now;
    enum weft_err err = name_asset(args->operands[0], asset, &channel, msg);
    if (err == WEFT_OK) {
        err = read_newest(client, asset, &now, msg);
    }
    return err == WEFT_OK ? print(args, channel, &now, msg) : err;
}

enum weft_exit weft_cmd_command_authority(const struct weft_args *args)
{
    return weft_with_client(args, authority);
}
