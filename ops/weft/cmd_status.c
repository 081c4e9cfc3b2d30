#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ops/weft/client.h"
#include "ops/weft/digest.h"
#include "ops/weft/output.h"
#include "proto/answer_json.h"
#include "proto/limits.h"

/* status: what one node knows of the site, then every member asked for itself, all at once. */

enum {
    MEMBER_WAIT_MS = 2000, /* chosen: a member that is silent for longer is shown as such */
    ARENA_SIZE_MAX = 8 * 1024 * 1024,
};

struct node {
    const struct weft_member *member;
    struct weft_client *client;
    struct weft_arena arena;
    struct weft_client_message answer; /* kind 0: none. */
    struct weft_msg error;
    bool is_done;
};

struct report {
    struct weft_client_message site; /* STATUS_RESULT of whichever node answered first. */
    struct weft_arena arena;
    struct node nodes[WEFT_MEMBERS_MAX];
    uint32_t count;
    uint32_t done;
    struct weft_digests digests;
    bool has_digests;
};

static uint64_t gauge(const struct weft_status *status, const char *name)
{
    for (uint32_t i = 0; i < status->gauge_count; i++) {
        if (weft_text_is(status->gauges[i].name, name)) {
            return status->gauges[i].value;
        }
    }
    return 0;
}

static const struct weft_status *status_of(const struct node *n)
{
    return n->answer.kind == WEFT_KIND_STATUS_RESULT ? &n->answer.status_result : NULL;
}

static void on_status(void *ctx, enum weft_err err, const struct weft_client_message *answer,
    const struct weft_msg *msg)
{
    struct node *n = ctx;
    struct weft_buffer bytes = {.size_max = WEFT_MESSAGE_SIZE_MAX};
    n->is_done = true;
    if (err != WEFT_OK) {
        n->error = *msg;
        return;
    }
    /* The answer dies with this call. */
    uint8_t *copy = weft_client_encode(answer, &bytes) == WEFT_OK
                        ? weft_arena_alloc(&n->arena, bytes.size)
                        : NULL;
    if (copy == NULL) {
        (void)weft_fail(&n->error, WEFT_ENOMEM, "no memory");
    } else {
        memcpy(copy, bytes.data, bytes.size);
        if (weft_client_decode((struct weft_bytes){copy, bytes.size}, &n->arena, &n->answer, NULL,
                &n->error) != WEFT_OK) {
            n->answer.kind = 0;
        }
    }
    weft_buffer_destroy(&bytes);
}

static void ask_member(struct weft_net *net, struct node *n)
{
    char address[WEFT_ADDRESS_SIZE_MAX + 1];
    struct weft_client_message request = {.kind = WEFT_KIND_STATUS};
    (void)snprintf(address, sizeof(address), "%.*s", (int)n->member->client_address.size,
        n->member->client_address.data);
    enum weft_err err = weft_client_pin(net, address, MEMBER_WAIT_MS, &n->client, &n->error);
    if (err == WEFT_OK) {
        err = weft_client_submit(n->client, &request, on_status, n);
    }
    n->is_done = err != WEFT_OK;
}

static void ask_members(struct weft_net *net, struct report *r)
{
    const struct weft_status *site = &r->site.status_result;
    r->count = site->member_count < WEFT_MEMBERS_MAX ? site->member_count : WEFT_MEMBERS_MAX;
    for (uint32_t i = 0; i < r->count; i++) {
        r->nodes[i] =
            (struct node){.member = &site->members[i], .arena = {.size_max = ARENA_SIZE_MAX}};
        ask_member(net, &r->nodes[i]);
    }
    for (;;) {
        bool is_done = true;
        for (uint32_t i = 0; i < r->count; i++) {
            is_done = is_done && r->nodes[i].is_done;
        }
        if (is_done) {
            return;
        }
        weft_net_turn(net, 100);
    }
}

/* The highest commit index anybody knows: what lag is measured against. */
static uint64_t commit_of(const struct report *r)
{
    uint64_t commit = r->site.status_result.commit_index;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct weft_status *s = status_of(&r->nodes[i]);
        commit = s != NULL && s->commit_index > commit ? s->commit_index : commit;
    }
    return commit;
}

static uint64_t leader_of(const struct report *r)
{
    uint64_t term = 0, leader = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct weft_status *s = status_of(&r->nodes[i]);
        if (s != NULL && s->leader_id != 0 && s->term >= term) {
            term = s->term;
            leader = s->leader_id;
        }
    }
    return leader != 0 ? leader : r->site.status_result.leader_id;
}

static struct weft_text name_of(const struct report *r, uint64_t id)
{
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->nodes[i].member->id == id && id != 0) {
            return r->nodes[i].member->name;
        }
    }
    return WEFT_TEXT("none");
}

/* --- as a table -------------------------------------------------------------------------- */

static void print_digests(const struct report *r)
{
    const struct weft_digests *d = &r->digests;
    struct weft_table t;
    (void)printf("\ndigests at index %" PRIu64 "%s\n\n", d->index,
        d->is_equal ? (d->missing == 0 ? ": all equal" : ": equal where known") : ": THEY DIFFER");
    weft_table_init(&t, "NODE|>KEYS|DIGEST");
    for (uint32_t i = 0; i < d->count; i++) {
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&d->nodes[i].digest, digest);
        weft_table_cell(&t, weft_text_of(d->nodes[i].name));
        weft_table_format(&t, "%" PRIu64, d->nodes[i].keys);
        weft_table_cell(&t, weft_text_of(d->nodes[i].is_known ? digest : d->nodes[i].error.text));
    }
    weft_table_print(&t, stdout);
}

/* Roots of equal sizes are equal, or nodes have two logs. */
static void print_audit(const struct report *r)
{
    const struct weft_status *newest = NULL;
    bool is_split = false;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct weft_status *s = status_of(&r->nodes[i]);
        for (uint32_t j = 0; s != NULL && j < i; j++) {
            const struct weft_status *t = status_of(&r->nodes[j]);
            is_split = is_split || (t != NULL && t->audit_size == s->audit_size &&
                                       !weft_digest_equal(&t->audit_root, &s->audit_root));
        }
        newest = s != NULL && (newest == NULL || s->audit_size > newest->audit_size) ? s : newest;
    }
    if (newest != NULL) {
        char root[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&newest->audit_root, root);
        (void)printf("\naudit log: %" PRIu64 " leaves, root %s%s\n", newest->audit_size, root,
            is_split ? ": NODES HAVE OTHER ROOTS OF ONE SIZE" : "");
    }
}

/* The last part of "partner/<agreement>/<direction>/<figure>"; *ret_stream is what stands before.
 * False: it is no figure of a partner. */
static bool read_partner(
    const struct weft_gauge *g, struct weft_text *ret_stream, struct weft_text *ret_figure)
{
    static const char start[] = "partner/";
    size_t end = g->name.size;
    while (end > 0 && g->name.data[end - 1] != '/') {
        end--;
    }
    if (!weft_text_starts(g->name, start) || end <= sizeof(start)) {
        return false;
    }
    *ret_stream =
        (struct weft_text){g->name.data + sizeof(start) - 1, end - 1 - (sizeof(start) - 1)};
    *ret_figure = (struct weft_text){g->name.data + end, g->name.size - end};
    return true;
}

static void put_figure(struct weft_table *t, const struct weft_status *s, struct weft_text stream,
    const char *figure, const char *none)
{
    struct weft_text other, name;
    for (uint32_t i = 0; i < s->gauge_count; i++) {
        if (read_partner(&s->gauges[i], &other, &name) && weft_text_equal(other, stream) &&
            weft_text_is(name, figure)) {
            weft_table_format(t, "%" PRIu64, s->gauges[i].value);
            return;
        }
    }
    weft_table_cell(t, weft_text_of(none));
}

/* What is shared with partners, as the leader knows it. */
static void print_partners(const struct report *r)
{
    const struct weft_status *s = NULL;
    struct weft_text stream, figure;
    struct weft_table t;
    bool is_any = false;
    for (uint32_t i = 0; i < r->count; i++) {
        s = r->nodes[i].member->id == leader_of(r) ? status_of(&r->nodes[i]) : s;
    }
    weft_table_init(&t, "AGREEMENT|>UP|>LEAVES|>LAG|>LAG MS|>BYTES|>REFUSED|>FAULTS|>QUARANTINE|"
                        ">HELD|>DISPUTES");
    for (uint32_t i = 0; s != NULL && i < s->gauge_count; i++) {
        if (!read_partner(&s->gauges[i], &stream, &figure) ||
            (!weft_text_is(figure, "up") && !weft_text_is(figure, "disputes"))) {
            continue;
        }
        is_any = true;
        weft_table_cell(&t, stream);
        put_figure(&t, s, stream, "up", "-");
        put_figure(&t, s, stream, "leaves", "-");
        put_figure(&t, s, stream, "lag_statements", "-");
        put_figure(&t, s, stream, "lag_ms", "-");
        put_figure(&t, s, stream, "bytes_total", "-");
        put_figure(&t, s, stream, "refused_total", "-");
        put_figure(&t, s, stream, "faults_total", "-");
        put_figure(&t, s, stream, "quarantined", "-");
        put_figure(&t, s, stream, "held", "-");
        put_figure(&t, s, stream, "disputes", "-");
    }
    if (is_any) {
        (void)printf("\n");
        weft_table_print(&t, stdout);
    }
}

static void print_row(struct weft_table *t, const struct report *r, const struct node *n)
{
    const struct weft_status *s = status_of(n);
    uint64_t commit = commit_of(r);
    weft_table_cell(t, n->member->name);
    weft_table_cell(t, weft_text_of(weft_answer_role_name(n->member->role)));
    if (s == NULL) {
        weft_table_cell(t, WEFT_TEXT("no answer"));
        for (int i = 0; i < 6; i++) {
            weft_table_cell(t, WEFT_TEXT("-"));
        }
    } else {
        weft_table_cell(t, s->state);
        weft_table_format(t, "%" PRIu64, s->term);
        weft_table_format(t, "%" PRIu64, s->commit_index);
        weft_table_format(t, "%" PRIu64, s->applied_index);
        weft_table_format(t, "%" PRIu64, commit > s->applied_index ? commit - s->applied_index : 0);
        weft_table_format(t, "%.1f MiB", (double)gauge(s, "disk_used_bytes") / 1048576);
        weft_table_cell(t, s->version);
    }
    weft_table_cell(t, n->member->client_address);
}

static void print_report(const struct weft_args *args, const struct report *r)
{
    const struct weft_status *site = &r->site.status_result;
    struct weft_text leader = name_of(r, leader_of(r));
    struct weft_table t;
    (void)printf("site %.*s of %.*s, group %016" PRIx64 ", leader %.*s, policy %.*s\n\n",
        (int)site->site.size, site->site.data, (int)site->org.size, site->org.data, site->cluster,
        (int)leader.size, leader.data, (int)site->policy.size, site->policy.data);
    weft_table_init(&t, "NODE|ROLE|STATE|>TERM|>COMMIT|>APPLIED|>LAG|>DISK|VERSION|CLIENT DOOR");
    for (uint32_t i = 0; i < r->count; i++) {
        print_row(&t, r, &r->nodes[i]);
    }
    weft_table_print(&t, stdout);
    for (uint32_t i = 0; i < r->count && weft_args_has(args, "gauges"); i++) {
        const struct weft_status *s = status_of(&r->nodes[i]);
        (void)printf("\n%.*s\n", (int)r->nodes[i].member->name.size, r->nodes[i].member->name.data);
        for (uint32_t g = 0; s != NULL && g < s->gauge_count; g++) {
            (void)printf("  %-36.*s %" PRIu64 "\n", (int)s->gauges[g].name.size,
                s->gauges[g].name.data, s->gauges[g].value);
        }
    }
    print_audit(r);
    print_partners(r);
    if (r->has_digests) {
        print_digests(r);
    }
}

/* --- as JSON ----------------------------------------------------------------------------- */

static void write_node(struct weft_writer *w, const struct report *r, const struct node *n)
{
    const struct weft_status *s = status_of(n);
    uint64_t commit = commit_of(r);
    weft_writer_open(w, NULL, '{');
    weft_writer_text(w, "name", n->member->name);
    weft_writer_unsigned(w, "id", n->member->id);
    weft_writer_text(w, "role", weft_text_of(weft_answer_role_name(n->member->role)));
    weft_writer_text(w, "peer", n->member->peer_address);
    weft_writer_text(w, "client", n->member->client_address);
    weft_writer_bool(w, "is_leader", n->member->id == leader_of(r));
    weft_writer_bool(w, "is_reachable", s != NULL);
    if (s == NULL) {
        weft_writer_text(w, "error", weft_text_of(n->error.text));
        weft_writer_close(w, '}');
        return;
    }
    weft_answer_write_node(w, s);
    weft_writer_unsigned(w, "lag", commit > s->applied_index ? commit - s->applied_index : 0);
    weft_writer_close(w, '}');
}

static void write_digests(struct weft_writer *w, const struct weft_digests *d)
{
    weft_writer_open(w, "digest", '{');
    weft_writer_unsigned(w, "index", d->index);
    weft_writer_bool(w, "is_equal", d->is_equal);
    weft_writer_open(w, "nodes", '[');
    for (uint32_t i = 0; i < d->count; i++) {
        char digest[WEFT_DIGEST_TEXT_SIZE];
        weft_digest_format(&d->nodes[i].digest, digest);
        weft_writer_open(w, NULL, '{');
        weft_writer_text(w, "name", weft_text_of(d->nodes[i].name));
        if (d->nodes[i].is_known) {
            weft_writer_text(w, "digest", weft_text_of(digest));
            weft_writer_unsigned(w, "keys", d->nodes[i].keys);
        } else {
            weft_writer_text(w, "error", weft_text_of(d->nodes[i].error.text));
        }
        weft_writer_close(w, '}');
    }
    weft_writer_close(w, ']');
    weft_writer_close(w, '}');
}

static enum weft_err write_report(const struct report *r, struct weft_msg *msg)
{
    const struct weft_status *site = &r->site.status_result;
    struct weft_writer w = {0};
    char cluster[32];
    (void)snprintf(cluster, sizeof(cluster), "%016" PRIx64, site->cluster);
    weft_writer_open(&w, NULL, '{');
    weft_writer_text(&w, "site", site->site);
    weft_writer_text(&w, "org", site->org);
    weft_writer_text(&w, "cluster", weft_text_of(cluster));
    weft_writer_text(&w, "leader", name_of(r, leader_of(r)));
    weft_writer_open(&w, "nodes", '[');
    for (uint32_t i = 0; i < r->count; i++) {
        write_node(&w, r, &r->nodes[i]);
    }
    weft_writer_close(&w, ']');
    if (r->has_digests) {
        write_digests(&w, &r->digests);
    }
    weft_writer_close(&w, '}');
    enum weft_err err = weft_writer_print(&w, stdout, msg);
    weft_writer_destroy(&w);
    return err;
}

/* --- the command ------------------------------------------------------------------------- */

static enum weft_err status(const struct weft_args *args, struct weft_net *net,
    struct weft_client *client, struct report *r, struct weft_msg *msg)
{
    struct weft_client_message request = {.kind = WEFT_KIND_STATUS};
    enum weft_format format;
    enum weft_err err = weft_output_format(args, &format, msg);
    if (err == WEFT_OK) {
        err = weft_client_call(client, &request, &r->arena, &r->site, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    ask_members(net, r);
    if (weft_args_has(args, "digest")) {
        err = weft_digests_ask(net, client, r->site.status_result.members,
            r->site.status_result.member_count, &r->digests, msg);
        r->has_digests = true;
    }
    if (err == WEFT_OK && format == WEFT_FORMAT_TABLE) {
        print_report(args, r);
    } else if (err == WEFT_OK) {
        err = write_report(r, msg);
    }
    return err;
}

enum weft_exit weft_cmd_status(const struct weft_args *args)
{
    struct weft_net *net;
    struct weft_client *client;
    struct weft_msg msg = {""};
    enum weft_err err = weft_client_from_args(args, &net, &client, &msg);
    if (err != WEFT_OK) {
        return weft_complain(err, &msg);
    }
    struct report *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        weft_client_destroy(client);
        weft_net_close(net);
        return weft_complain(weft_fail(&msg, WEFT_ENOMEM, "no memory"), &msg);
    }
    r->arena.size_max = ARENA_SIZE_MAX;
    err = status(args, net, client, r, &msg);
    enum weft_exit result = weft_complain(err, &msg);
    if (err == WEFT_OK && r->has_digests && !r->digests.is_equal) {
        (void)fprintf(stderr, "weft: the digests differ: stop the node that is alone with its "
                              "digest and read the runbook on diverged replicas\n");
        result = WEFT_EXIT_NO;
    } else if (err == WEFT_OK && r->has_digests && r->digests.missing > 0) {
        (void)fprintf(stderr, "weft: %u of %u members could not be asked for their digest\n",
            r->digests.missing, r->digests.count);
        result = WEFT_EXIT_UNAVAILABLE;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        weft_client_destroy(r->nodes[i].client);
        weft_arena_destroy(&r->nodes[i].arena);
    }
    weft_arena_destroy(&r->arena);
    free(r);
    weft_client_destroy(client);
    weft_net_close(net);
    return result;
}
