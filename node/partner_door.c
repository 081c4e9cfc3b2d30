#include "node/partner_door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/checkpoint/tree.h"
#include "node/config.h"
#include "node/logger.h"
#include "proto/check.h"

enum {
    SITE_SIZE = 128,
    PATH_SIZE = 1024,
};

struct partner;

struct weft_partner_conn {
    struct partner *partner;
    struct weft_link_conn *conn; /* NULL: the place is free. */
    bool is_dialled;
    bool is_up;
};

struct partner {
    char site[SITE_SIZE], org[SITE_SIZE];
    const char *name; /* Of the site: in `site`, behind its slash. */
    char endpoints[WEFT_PARTNER_ENDPOINTS_MAX][WEFT_ADDRESS_SIZE_MAX + 1];
    uint32_t endpoint_count;
    bool has_root;
    struct weft_digest root;
    struct weft_buffer ca;
    bool is_kept; /* By the update under way. */
    uint32_t at;  /* Endpoint that is called next, or now. */
    uint64_t rest_ms;
    uint64_t due_ms; /* Not dialled: then it is. Dialled and not up: then the next one is. */
    struct weft_partner_conn dialled;
    struct weft_partner_conn accepted[WEFT_PARTNER_ACCEPTED_MAX];
    uint32_t accepted_next;
    struct weft_partner_link figures;
};

struct weft_partner_door {
    struct weft_partner_door_options options;
    char listen[WEFT_ADDRESS_SIZE_MAX + 1];
    char roots_file[PATH_SIZE], cert_file[PATH_SIZE], key_file[PATH_SIZE];
    struct weft_link *link; /* NULL: no partner with a root yet. */
    bool is_leading;
    bool is_closing;
    bool owes_roots; /* The link does not have them as they are now. */
    uint64_t deadline_ms;
    struct partner *partners[WEFT_PARTNER_DOOR_MAX];
    uint32_t count;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* --- connections ----------------------------------------------------------------------------- */

static struct partner *find(const struct weft_partner_door *door, struct weft_text site)
{
    for (uint32_t i = 0; i < door->count; i++) {
        if (weft_text_is(site, door->partners[i]->site)) {
            return door->partners[i];
        }
    }
    return NULL;
}

static struct partner *find_identity(
    const struct weft_partner_door *door, const struct weft_identity *identity)
{
    for (uint32_t i = 0; i < door->count; i++) {
        struct partner *p = door->partners[i];
        if (strcmp(p->org, identity->org) == 0 && strcmp(p->name, identity->site) == 0) {
            return p;
        }
    }
    return NULL;
}

/* NOD-240: the class, the site, and the very root that was pinned for it. */
static bool admit(
    void *ctx, const struct weft_identity *identity, bool is_dialled, struct weft_msg *reason)
{
    const struct weft_partner_door *door = ctx;
    const struct partner *p = find_identity(door, identity);
    (void)is_dialled;
    if (strcmp(identity->class, "partner") != 0) {
        (void)weft_fail(reason, WEFT_EPEER, "%s is not of class partner", identity->uri);
        return false;
    }
    if (p == NULL || !p->has_root) {
        (void)weft_fail(reason, WEFT_EPEER, "%s is of no partner", identity->uri);
        return false;
    }
    if (!weft_digest_equal(&p->root, &identity->root)) {
        (void)weft_fail(reason, WEFT_EPEER, "%s is certified by another root than is pinned for %s",
            identity->uri, (const char *)p->site);
        return false;
    }
    return true;
}

/* The place is free again; who used it hears of it. */
static void drop(struct weft_partner_door *door, struct weft_partner_conn *c, bool is_dead)
{
    struct weft_link_conn *conn = c->conn;
    bool was_up = c->is_up;
    if (was_up) {
        door->options.callbacks.on_down(door->options.callbacks.ctx, c);
        c->partner->figures.is_dialled = c->partner->figures.is_dialled && !c->is_dialled;
        c->partner->figures.accepted -= c->is_dialled ? 0 : 1;
    }
    c->conn = NULL;
    c->is_up = false;
    if (conn != NULL && !is_dead) {
        weft_link_conn_close(conn);
    }
}

static void drop_all(struct weft_partner_door *door, struct partner *p)
{
    drop(door, &p->dialled, false);
    for (uint32_t i = 0; i < WEFT_PARTNER_ACCEPTED_MAX; i++) {
        drop(door, &p->accepted[i], false);
    }
}

/* The next endpoint: at once, but for a rest when all of them have been tried. */
static void go_on(struct weft_partner_door *door, struct partner *p)
{
    uint64_t now_ms = uv_now(door->options.link.loop);
    drop(door, &p->dialled, false);
    p->at = p->endpoint_count > 0 ? (p->at + 1) % p->endpoint_count : 0;
    p->due_ms = now_ms;
    if (p->at == 0) {
        p->due_ms += p->rest_ms;
        p->rest_ms = p->rest_ms * 2 < WEFT_PARTNER_REST_MS_MAX ? p->rest_ms * 2
                                                               : (uint64_t)WEFT_PARTNER_REST_MS_MAX;
    }
    door->deadline_ms = p->due_ms < door->deadline_ms ? p->due_ms : door->deadline_ms;
}

static void on_up(void *ctx, struct weft_link_conn *conn)
{
    struct weft_partner_door *door = ctx;
    struct weft_partner_conn *c = weft_link_conn_user(conn);
    struct partner *p = find_identity(door, weft_link_conn_identity(conn));
    if (c != NULL && c->partner != p) { /* Another partner answers there. */
        weft_log(WEFT_LOG_WARN, "partner_other", weft_kv("partner", (const char *)c->partner->site),
            weft_kv("endpoint", weft_link_conn_remote(conn)),
            weft_kv("found", weft_link_conn_identity(conn)->uri),
            weft_kv("next", "its next endpoint is called"));
        go_on(door, c->partner);
        return;
    }
    if (c == NULL && (p == NULL || !door->is_leading || door->is_closing)) {
        weft_link_conn_close(conn); /* It calls the next node. */
        return;
    }
    if (c == NULL) {
        c = &p->accepted[p->accepted_next++ % WEFT_PARTNER_ACCEPTED_MAX];
        drop(door, c, false);
        *c = (struct weft_partner_conn){.partner = p, .conn = conn};
        weft_link_conn_set_user(conn, c);
        p->figures.accepted++;
    } else {
        p->figures.is_dialled = true;
    }
    c->is_up = true;
    p->figures.connects++;
    door->options.callbacks.on_up(door->options.callbacks.ctx, c);
}

static enum weft_err on_message(void *ctx, struct weft_link_conn *conn,
    const struct weft_envelope *envelope, struct weft_bytes message)
{
    struct weft_partner_door *door = ctx;
    struct weft_partner_conn *c = weft_link_conn_user(conn);
    (void)envelope;
    if (c == NULL) {
        return WEFT_OK;
    }
    c->partner->figures.bytes_in += message.size;
    c->partner->rest_ms = WEFT_PARTNER_REST_MS_MIN; /* It speaks. */
    return door->options.callbacks.on_message(door->options.callbacks.ctx, c, message);
}

static void on_down(void *ctx, struct weft_link_conn *conn)
{
    struct weft_partner_door *door = ctx;
    struct weft_partner_conn *c = weft_link_conn_user(conn);
    if (c == NULL || c->conn != conn) {
        return;
    }
    if (c->is_dialled) {
        go_on(door, c->partner);
    } else {
        drop(door, c, true);
    }
}

static void on_drained(void *ctx, struct weft_link_conn *conn)
{
    struct weft_partner_door *door = ctx;
    struct weft_partner_conn *c = weft_link_conn_user(conn);
    if (c != NULL && c->is_up) {
        door->options.callbacks.on_drained(door->options.callbacks.ctx, c);
    }
}

static void on_event(void *ctx, const char *event, const char *detail)
{
    (void)ctx;
    weft_log(WEFT_LOG_WARN, event, weft_kv("door", "partner"), weft_kv("detail", detail));
}

/* --- who the partners are -------------------------------------------------------------------- */

static void read_endpoints(struct partner *p, struct weft_text text)
{
    struct weft_text line;
    bool has_more = text.size > 0;
    p->endpoint_count = 0;
    while (has_more) {
        has_more = weft_text_cut(&text, '\n', &line);
        if (line.size == 0) {
            continue;
        }
        if (p->endpoint_count == WEFT_PARTNER_ENDPOINTS_MAX ||
            !weft_config_is_address(line, p->endpoints[p->endpoint_count])) {
            weft_log(WEFT_LOG_WARN, "partner_endpoint", weft_kv("partner", (const char *)p->site),
                weft_kv("next", "an endpoint that is no host:port, or is one too many, is not "
                                "called; mend the record of the partner"));
            continue;
        }
        p->endpoint_count++;
    }
}

static enum weft_err read_root(struct partner *p, struct weft_text ca)
{
    struct weft_msg msg = {""};
    weft_buffer_clear(&p->ca);
    enum weft_err err = weft_buffer_text(&p->ca, ca);
    if (err == WEFT_OK) {
        err = weft_link_check_root(ca, p->org, &p->root, &msg);
    }
    p->has_root = err == WEFT_OK;
    if (err == WEFT_ENOMEM) {
        weft_buffer_clear(&p->ca); /* Not read yet. */
    }
    if (err != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "partner_root", weft_kv("partner", (const char *)p->site),
            weft_kv("error", (const char *)msg.text),
            weft_kv("next", "nobody of this partner is admitted; mend its record"));
    }
    return err;
}

/* NULL: there is no memory. */
static struct partner *make(struct weft_text site, const char *slash)
{
    struct partner *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        return NULL;
    }
    size_t org = (size_t)(slash - site.data);
    memcpy(p->site, site.data, site.size);
    memcpy(p->org, site.data, org);
    p->name = p->site + org + 1;
    p->rest_ms = WEFT_PARTNER_REST_MS_MIN;
    p->dialled = (struct weft_partner_conn){.partner = p, .is_dialled = true};
    return p;
}

static void forget(struct weft_partner_door *door, uint32_t i)
{
    struct partner *p = door->partners[i];
    drop_all(door, p);
    weft_buffer_destroy(&p->ca);
    free(p);
    door->partners[i] = door->partners[--door->count];
}

/* WEFT_ETOOBIG: one too many, or its site is no name; it is left out. */
static enum weft_err add(
    struct weft_partner_door *door, struct weft_text site, struct partner **ret_partner)
{
    const char *slash = site.size > 0 ? memchr(site.data, '/', site.size) : NULL;
    if (door->count == WEFT_PARTNER_DOOR_MAX || slash == NULL || site.size >= SITE_SIZE) {
        return WEFT_ETOOBIG;
    }
    struct partner *p = make(site, slash);
    if (p == NULL) {
        return WEFT_ENOMEM;
    }
    door->partners[door->count++] = p;
    *ret_partner = p;
    return WEFT_OK;
}

/* WEFT_ENOMEM: not all of it is known yet. */
static enum weft_err take_place(
    struct weft_partner_door *door, const struct weft_partner_place *place)
{
    struct partner *p = find(door, place->site);
    char before[sizeof(p->endpoints)];
    enum weft_err err = p == NULL ? add(door, place->site, &p) : WEFT_OK;
    if (err != WEFT_OK) {
        weft_log(WEFT_LOG_WARN, "partner_left_out", weft_kv("partners", door->count),
            weft_kv("error", weft_err_name(err)),
            weft_kv("next",
                err == WEFT_ENOMEM ? "it is tried again" : "it is not called and not admitted"));
        return err == WEFT_ENOMEM ? err : WEFT_OK;
    }
    p->is_kept = true;
    memcpy(before, p->endpoints, sizeof(before));
    bool is_other_root =
        p->ca.size != place->ca.size ||
        (place->ca.size > 0 && memcmp(p->ca.data, place->ca.data, p->ca.size) != 0);
    memset(p->endpoints, 0, sizeof(p->endpoints));
    read_endpoints(p, place->endpoints);
    if (is_other_root) {
        drop_all(door, p);
        door->owes_roots = true;
        err = read_root(p, place->ca) == WEFT_ENOMEM ? WEFT_ENOMEM : WEFT_OK; /* Logged. */
    } else if (memcmp(before, p->endpoints, sizeof(before)) != 0) {
        drop(door, &p->dialled, false);
    }
    if (p->dialled.conn == NULL) {
        p->at = 0;
        p->due_ms = 0;
    }
    return err;
}

static enum weft_err write_roots(const struct weft_partner_door *door, struct weft_msg *msg)
{
    char fresh[PATH_SIZE + 8];
    struct weft_buffer text = {0};
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < door->count; i++) {
        const struct partner *p = door->partners[i];
        if (p->has_root) {
            err = weft_buffer_append(&text, p->ca.data, p->ca.size);
            err = err == WEFT_OK ? weft_buffer_append(&text, "\n", 1) : err;
        }
    }
    (void)snprintf(fresh, sizeof(fresh), "%s.new", door->roots_file);
    err = err == WEFT_OK ? weft_tree_remove(fresh, msg) : err;
    err = err == WEFT_OK ? weft_tree_write(fresh, text.data, text.size, msg) : err;
    err = err == WEFT_OK ? weft_tree_rename(fresh, door->roots_file, msg) : err;
    weft_buffer_destroy(&text);
    return err;
}

/* With the roots as they are now. */
static enum weft_err open_link(struct weft_partner_door *door, struct weft_msg *msg)
{
    struct weft_link_options options = door->options.link;
    options.listen = door->listen[0] != '\0' ? door->listen : NULL;
    options.ca_file = door->roots_file;
    options.cert_file = door->cert_file;
    options.key_file = door->key_file;
    options.callbacks = (struct weft_link_callbacks){.ctx = door,
        .admit = admit,
        .on_up = on_up,
        .on_message = on_message,
        .on_down = on_down,
        .on_drained = on_drained,
        .on_event = on_event};
    return weft_link_open(&options, &door->link, msg);
}

static enum weft_err use_roots(struct weft_partner_door *door)
{
    struct weft_msg msg = {""};
    bool has_root = false;
    door->owes_roots = false;
    for (uint32_t i = 0; i < door->count; i++) {
        has_root = has_root || door->partners[i]->has_root;
    }
    if (!has_root) {
        return WEFT_OK; /* Nobody is admitted, whatever the file says. */
    }
    enum weft_err err = write_roots(door, &msg);
    if (err == WEFT_OK) {
        err = door->link != NULL ? weft_link_reload(door->link, &msg) : open_link(door, &msg);
    }
    if (err != WEFT_OK) {
        weft_log(WEFT_LOG_ERROR, "partner_door", weft_kv("error", (const char *)msg.text),
            weft_kv("next", "it is tried again"));
        door->owes_roots = true;
    }
    return err;
}

enum weft_err weft_partner_door_update(
    struct weft_partner_door *door, const struct weft_partner_place *places, uint32_t count)
{
    enum weft_err err = WEFT_OK;
    if (door->is_closing) {
        return WEFT_OK;
    }
    for (uint32_t i = 0; i < door->count; i++) {
        door->partners[i]->is_kept = false;
    }
    for (uint32_t i = 0; i < count; i++) {
        enum weft_err of_one = take_place(door, &places[i]);
        err = err == WEFT_OK ? of_one : err;
    }
    for (uint32_t i = door->count; i > 0; i--) {
        if (!door->partners[i - 1]->is_kept) {
            forget(door, i - 1);
        }
    }
    if (door->owes_roots) {
        enum weft_err of_roots = use_roots(door);
        err = err == WEFT_OK ? of_roots : err;
    }
    door->deadline_ms = 0;
    return err;
}

/* --- whom to call ---------------------------------------------------------------------------- */

static void dial(struct weft_partner_door *door, struct partner *p, uint64_t now_ms)
{
    struct weft_msg msg = {""};
    enum weft_err err = weft_link_dial(door->link, p->endpoints[p->at], &p->dialled.conn, &msg);
    p->due_ms = now_ms + WEFT_PARTNER_DIAL_MS;
    if (err != WEFT_OK) {
        p->dialled.conn = NULL;
        weft_log(WEFT_LOG_WARN, "partner_dial", weft_kv("partner", (const char *)p->site),
            weft_kv("error", (const char *)msg.text));
        p->at = (p->at + 1) % p->endpoint_count;
        return;
    }
    weft_link_conn_set_user(p->dialled.conn, &p->dialled);
}

void weft_partner_door_turn(struct weft_partner_door *door, bool is_leading, uint64_t now_ms)
{
    if (door->is_closing || (door->is_leading == is_leading && now_ms < door->deadline_ms)) {
        return;
    }
    door->is_leading = is_leading;
    door->deadline_ms = UINT64_MAX;
    for (uint32_t i = 0; i < door->count; i++) {
        struct partner *p = door->partners[i];
        if (!is_leading) {
            drop_all(door, p);
            continue;
        }
        if (door->link == NULL || !p->has_root || p->endpoint_count == 0 || p->dialled.is_up) {
            continue;
        }
        if (p->dialled.conn != NULL && now_ms >= p->due_ms) {
            go_on(door, p);
        }
        if (p->dialled.conn == NULL && now_ms >= p->due_ms) {
            dial(door, p, now_ms);
        }
        door->deadline_ms = p->due_ms < door->deadline_ms ? p->due_ms : door->deadline_ms;
    }
}

uint64_t weft_partner_door_deadline(const struct weft_partner_door *door)
{
    return door->is_closing ? UINT64_MAX : door->deadline_ms;
}

enum weft_err weft_partner_door_reload(struct weft_partner_door *door, struct weft_msg *msg)
{
    return door->link != NULL && !door->is_closing ? weft_link_reload(door->link, msg) : WEFT_OK;
}

/* --- a connection ---------------------------------------------------------------------------- */

enum weft_err weft_partner_door_send(struct weft_partner_conn *conn, struct weft_bytes message)
{
    if (!conn->is_up) {
        return WEFT_EUNAVAILABLE;
    }
    enum weft_err err = weft_link_send(conn->conn, message);
    conn->partner->figures.bytes_out += err == WEFT_OK ? message.size : 0;
    return err;
}

void weft_partner_door_pause(struct weft_partner_conn *conn, bool is_paused)
{
    if (conn->is_up) {
        weft_link_conn_pause(conn->conn, is_paused);
    }
}

void weft_partner_door_hang_up(struct weft_partner_door *door, struct weft_partner_conn *conn)
{
    if (conn->is_dialled && conn->conn != NULL) {
        go_on(door, conn->partner);
    } else {
        drop(door, conn, false);
    }
}

const char *weft_partner_door_site(const struct weft_partner_conn *conn)
{
    return conn->partner->site;
}

const char *weft_partner_door_identity(const struct weft_partner_conn *conn)
{
    return conn->is_up ? weft_link_conn_identity(conn->conn)->uri : "";
}

bool weft_partner_door_is_dialled(const struct weft_partner_conn *conn)
{
    return conn->is_dialled;
}

const struct weft_link *weft_partner_door_of(const struct weft_partner_door *door)
{
    return door->link;
}

bool weft_partner_door_link(
    const struct weft_partner_door *door, struct weft_text site, struct weft_partner_link *ret_link)
{
    const struct partner *p = find(door, site);
    if (p != NULL) {
        *ret_link = p->figures;
    }
    return p != NULL;
}

/* --- open and close -------------------------------------------------------------------------- */

enum weft_err weft_partner_door_open(const struct weft_partner_door_options *options,
    struct weft_partner_door **ret_door, struct weft_msg *msg)
{
    struct weft_partner_door *door = calloc(1, sizeof(*door));
    if (door == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "partner door");
    }
    door->options = *options;
    (void)snprintf(door->listen, sizeof(door->listen), "%s",
        options->link.listen != NULL ? options->link.listen : "");
    (void)snprintf(door->roots_file, sizeof(door->roots_file), "%s", options->roots_file);
    (void)snprintf(door->cert_file, sizeof(door->cert_file), "%s", options->link.cert_file);
    (void)snprintf(door->key_file, sizeof(door->key_file), "%s", options->link.key_file);
    *ret_door = door;
    return WEFT_OK;
}

static void finish_close(void *ctx)
{
    struct weft_partner_door *door = ctx;
    void (*on_closed)(void *) = door->on_closed;
    void *closed_ctx = door->closed_ctx;
    free(door);
    on_closed(closed_ctx);
}

void weft_partner_door_close(struct weft_partner_door *door, void (*on_closed)(void *), void *ctx)
{
    door->is_closing = true;
    door->on_closed = on_closed;
    door->closed_ctx = ctx;
    while (door->count > 0) {
        forget(door, door->count - 1);
    }
    if (door->link != NULL) {
        weft_link_close(door->link, finish_close, door);
    } else {
        finish_close(door);
    }
}
