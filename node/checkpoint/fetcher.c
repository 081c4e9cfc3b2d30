#include "node/checkpoint/fetcher.h"

#include <stddef.h>

#include "proto/check.h"

/*            START, all is here
 *    IDLE -----------------------------------------------> STAGED
 *     | START           LINK_UP                               ^
 *     +--------> CONNECTING ----------> FETCHING              |
 *                 ^    ^ leave source    |    | all written   | all verified
 *                 |    +-----------------+    v               |
 *                 +---------------------- VERIFYING ----------+
 *                   digest wrong, link down
 *
 *    Any of the middle ones -> FAILED: no source has it, the disk failed, a file's digest is
 *    wrong again and again, or nothing moved for WEFT_FETCHER_STALL_MS. */
typedef enum weft_err handler(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update);

static bool is_running(const struct weft_fetcher *f)
{
    return f->state == WEFT_FETCHER_CONNECTING || f->state == WEFT_FETCHER_FETCHING ||
           f->state == WEFT_FETCHER_VERIFYING;
}

static void check(const struct weft_fetcher *f)
{
    weft_assert(f->piece_count <= WEFT_FETCHER_WINDOW_MAX);                           /* NOD-211 */
    weft_assert((f->deadline_ms != 0) == is_running(f));                              /* NOD-212 */
    weft_assert(f->done_count + f->hashing_count <= f->file_count);                   /* NOD-213 */
    weft_assert((f->state != WEFT_FETCHER_STAGED) || f->done_count == f->file_count); /* NOD-213 */
    weft_assert(f->is_up || f->state != WEFT_FETCHER_FETCHING);                       /* NOD-214 */
    weft_assert((f->err != WEFT_OK) == (f->state == WEFT_FETCHER_FAILED));
}

/* ---- Small steps ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

/* When TICK has something to decide. */
static uint64_t deadline_of(const struct weft_fetcher *f)
{
    if (!is_running(f)) {
        return 0;
    }
    uint64_t deadline = f->progress_ms + WEFT_FETCHER_STALL_MS;
    if (f->state == WEFT_FETCHER_CONNECTING) {
        deadline = earlier(deadline, f->connect_ms);
    }
    for (uint32_t i = 0; i < f->piece_count; i++) {
        const struct weft_fetcher_piece *p = &f->pieces[i];
        deadline = earlier(deadline, p->is_lost || p->is_writing ? 0 : p->deadline_ms);
    }
    return deadline;
}

/* The only writer of f->state. */
static void enter(struct weft_fetcher *f, enum weft_fetcher_state state)
{
    f->state = state;
    f->deadline_ms = deadline_of(f);
}

static enum weft_err fail(
    struct weft_fetcher *f, enum weft_err err, struct weft_fetcher_update *update)
{
    f->err = err;
    f->piece_count = 0;
    update->write = update->verify = update->connect = false;
    update->request_count = 0;
    update->disconnect = update->disconnect || f->is_up || f->is_connecting;
    update->failed = true;
    f->is_up = false;
    f->is_connecting = false;
    enter(f, WEFT_FETCHER_FAILED);
    return WEFT_OK;
}

static void drop_piece(struct weft_fetcher *f, uint32_t place)
{
    f->pieces[place] = f->pieces[--f->piece_count];
}

/* What was on its way will not come; what the disk has, it has. */
static void lose_pieces(struct weft_fetcher *f)
{
    for (uint32_t i = 0; i < f->piece_count; i++) {
        f->pieces[i].is_lost = !f->pieces[i].is_writing;
    }
}

/* Hang up, and after a while try the next source that has not said no. */
static enum weft_err leave_source(struct weft_fetcher *f, struct weft_fetcher_update *update)
{
    lose_pieces(f);
    update->disconnect = true;
    update->connect = false;
    update->request_count = 0;
    f->is_up = false;
    f->is_connecting = false;
    f->strikes = 0;
    uint32_t source = f->source;
    for (uint32_t i = 1; i <= f->source_count; i++) {
        source = (f->source + i) % f->source_count;
        if ((f->refused >> source & 1) == 0) {
            break;
        }
    }
    if ((f->refused >> source & 1) != 0) {
        return fail(f, WEFT_ENOTFOUND, update);
    }
    f->source = source;
    f->connect_ms = f->now_ms + f->backoff_ms;
    f->backoff_ms = f->backoff_ms * 2 < WEFT_FETCHER_BACKOFF_MAX_MS ? f->backoff_ms * 2
                                                                    : WEFT_FETCHER_BACKOFF_MAX_MS;
    enter(f, WEFT_FETCHER_CONNECTING);
    return WEFT_OK;
}

static void add_request(
    struct weft_fetcher *f, struct weft_fetcher_piece *piece, struct weft_fetcher_update *update)
{
    piece->is_lost = false;
    piece->deadline_ms = f->now_ms + WEFT_FETCHER_SILENCE_MS;
    update->requests[update->request_count].file = piece->file;
    update->requests[update->request_count].offset = piece->offset;
    update->requests[update->request_count].size_bytes = piece->size_bytes;
    update->request_count++;
}

/* The next file that has something left to ask for; file_count: none. */
static uint32_t next_file(struct weft_fetcher *f)
{
    while (f->next_file < f->file_count &&
           f->files[f->next_file].asked_bytes == f->files[f->next_file].size_bytes) {
        f->next_file++;
    }
    return f->next_file;
}

/* Ask for what the window has room for, lost pieces first. */
static void ask(struct weft_fetcher *f, struct weft_fetcher_update *update)
{
    for (uint32_t i = 0; i < f->piece_count; i++) {
        if (f->pieces[i].is_lost) {
            add_request(f, &f->pieces[i], update);
        }
    }
    while (f->piece_count < WEFT_FETCHER_WINDOW_MAX && next_file(f) < f->file_count) {
        struct weft_fetcher_file *file = &f->files[f->next_file];
        uint64_t rest = file->size_bytes - file->asked_bytes;
        struct weft_fetcher_piece *piece = &f->pieces[f->piece_count++];
        *piece = (struct weft_fetcher_piece){
            .file = f->next_file,
            .offset = file->asked_bytes,
            .size_bytes = rest < WEFT_FETCHER_PIECE_BYTES ? (uint32_t)rest
                                                          : (uint32_t)WEFT_FETCHER_PIECE_BYTES,
        };
        file->asked_bytes += piece->size_bytes;
        add_request(f, piece, update);
    }
}

static void hang_up(struct weft_fetcher *f, struct weft_fetcher_update *update)
{
    update->disconnect = update->disconnect || f->is_up || f->is_connecting;
    f->is_up = false;
    f->is_connecting = false;
}

/* After anything that may have moved the download on. */
static enum weft_err go_on(struct weft_fetcher *f, struct weft_fetcher_update *update)
{
    if (f->done_count == f->file_count) {
        hang_up(f, update);
        update->staged = true;
        enter(f, WEFT_FETCHER_STAGED);
    } else if (next_file(f) == f->file_count && f->piece_count == 0) {
        if (f->is_connecting) {
            hang_up(f, update);
        }
        enter(f, WEFT_FETCHER_VERIFYING);
    } else if (f->is_up) {
        ask(f, update);
        enter(f, WEFT_FETCHER_FETCHING);
    } else if (f->state == WEFT_FETCHER_VERIFYING) {
        return leave_source(f, update); /* A file is wrong, and the link has gone meanwhile. */
    }
    return WEFT_OK;
}

static void connect(struct weft_fetcher *f, struct weft_fetcher_update *update)
{
    update->connect = true;
    update->source = f->source;
    f->is_connecting = true;
    f->connect_ms = f->now_ms + WEFT_FETCHER_SILENCE_MS;
    enter(f, WEFT_FETCHER_CONNECTING);
}

/* ---- Events ---- */

static enum weft_err on_start(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update)
{
    weft_assert(event->source_count >= 1 && event->source_count <= WEFT_FETCHER_SOURCES_MAX);
    f->files = event->files;
    f->file_count = event->file_count;
    f->source_count = event->source_count;
    f->backoff_ms = WEFT_FETCHER_BACKOFF_MIN_MS;
    f->progress_ms = f->now_ms;
    for (uint32_t i = 0; i < f->file_count; i++) {
        struct weft_fetcher_file *file = &f->files[i];
        bool is_done = file->state == WEFT_FETCHER_FILE_DONE;
        weft_assert(is_done || file->written_bytes < file->size_bytes); /* NOD-215 */
        file->asked_bytes = is_done ? file->size_bytes : file->written_bytes;
        f->done_count += is_done;
    }
    if (f->done_count == f->file_count) {
        return go_on(f, update);
    }
    connect(f, update);
    return WEFT_OK;
}

static enum weft_err on_link_up(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update)
{
    (void)event;
    if (!f->is_connecting) {
        return WEFT_ESTATE; /* Of a connection that was given up. */
    }
    f->is_up = true;
    f->is_connecting = false;
    f->connect_ms = 0;
    return go_on(f, update);
}

static enum weft_err on_link_down(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update)
{
    (void)event;
    if (!f->is_up && !f->is_connecting) {
        return WEFT_OK; /* The echo of our own hanging up. */
    }
    if (f->state == WEFT_FETCHER_VERIFYING) {
        f->is_up = false;
        return WEFT_OK;
    }
    return leave_source(f, update);
}

static struct weft_fetcher_piece *find_piece(
    struct weft_fetcher *f, const struct weft_fetcher_event *event, bool is_writing)
{
    for (uint32_t i = 0; i < f->piece_count; i++) {
        struct weft_fetcher_piece *p = &f->pieces[i];
        if (p->file == event->file && p->offset == event->offset && !p->is_lost &&
            p->is_writing == is_writing) {
            return p;
        }
    }
    return NULL;
}

static enum weft_err on_chunk(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update)
{
    struct weft_fetcher_piece *piece = find_piece(f, event, false);
    if (piece == NULL) {
        return WEFT_EMALFORMED; /* Not asked for (any more). */
    }
    if (event->err == WEFT_ENOTFOUND) {
        f->refused |= 1u << f->source;
        return leave_source(f, update);
    }
    if (event->err != WEFT_OK || !event->is_intact || event->size_bytes != piece->size_bytes) {
        piece->is_lost = true;
        if (++f->strikes >= WEFT_FETCHER_STRIKES_MAX) {
            (void)leave_source(f, update);
        } else {
            ask(f, update);
        }
        return WEFT_EMALFORMED;
    }
    /* Something arrives: the source is not silent. */
    for (uint32_t i = 0; i < f->piece_count; i++) {
        f->pieces[i].deadline_ms = f->now_ms + WEFT_FETCHER_SILENCE_MS;
    }
    piece->is_writing = true;
    f->fetched_bytes += piece->size_bytes;
    update->write = true;
    return WEFT_OK;
}

static enum weft_err on_written(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update)
{
    struct weft_fetcher_piece *piece = find_piece(f, event, true);
    weft_assert(piece != NULL); /* NOD-216: the driver tells each write once. */
    if (event->err != WEFT_OK) {
        return fail(f, event->err, update);
    }
    struct weft_fetcher_file *file = &f->files[piece->file];
    file->written_bytes += piece->size_bytes;
    weft_assert(file->written_bytes <= file->size_bytes); /* NOD-215 */
    f->progress_ms = f->now_ms;
    f->backoff_ms = WEFT_FETCHER_BACKOFF_MIN_MS;
    if (file->written_bytes == file->size_bytes) {
        file->state = WEFT_FETCHER_FILE_HASHING;
        f->hashing_count++;
        update->verify = true;
        update->verify_file = piece->file;
    }
    drop_piece(f, (uint32_t)(piece - f->pieces));
    return go_on(f, update);
}

static enum weft_err on_verified(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update)
{
    weft_assert(event->file < f->file_count);
    struct weft_fetcher_file *file = &f->files[event->file];
    weft_assert(file->state == WEFT_FETCHER_FILE_HASHING); /* NOD-216 */
    if (event->err != WEFT_OK) {
        return fail(f, event->err, update);
    }
    f->hashing_count--;
    f->progress_ms = f->now_ms;
    if (event->is_intact) {
        file->state = WEFT_FETCHER_FILE_DONE;
        f->done_count++;
        return go_on(f, update);
    }
    file->state = WEFT_FETCHER_FILE_MISSING;
    file->asked_bytes = file->written_bytes = 0;
    f->next_file = event->file < f->next_file ? event->file : f->next_file;
    update->restart = true;
    update->restart_file = event->file;
    if (++file->mismatches >= WEFT_FETCHER_MISMATCHES_MAX) {
        return fail(f, WEFT_EBADSIG, update);
    }
    /* Once may be a fault on the way; twice from one source is the source. */
    if (file->mismatches > 1 && f->is_up) {
        return leave_source(f, update);
    }
    return go_on(f, update);
}

static bool is_silent(const struct weft_fetcher *f)
{
    for (uint32_t i = 0; i < f->piece_count; i++) {
        const struct weft_fetcher_piece *p = &f->pieces[i];
        if (!p->is_lost && !p->is_writing && f->now_ms >= p->deadline_ms) {
            return true;
        }
    }
    return false;
}

static enum weft_err on_tick(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *update)
{
    (void)event;
    if (!is_running(f)) {
        return WEFT_OK;
    }
    if (f->now_ms >= f->progress_ms + WEFT_FETCHER_STALL_MS) {
        return fail(f, WEFT_ETIMEDOUT, update);
    }
    if (f->state == WEFT_FETCHER_CONNECTING && f->now_ms >= f->connect_ms) {
        if (f->is_connecting) {
            return leave_source(f, update);
        }
        connect(f, update);
    } else if (f->state == WEFT_FETCHER_FETCHING && is_silent(f)) {
        return leave_source(f, update);
    }
    return WEFT_OK;
}

/* What each state admits. An absent pair is WEFT_ESTATE. */
static handler *const admitted[WEFT_FETCHER_STATES][WEFT_FETCHER_EVENTS] = {
    [WEFT_FETCHER_IDLE] = {[WEFT_FETCHER_START] = on_start, [WEFT_FETCHER_TICK] = on_tick},
    [WEFT_FETCHER_CONNECTING] = {[WEFT_FETCHER_LINK_UP] = on_link_up,
        [WEFT_FETCHER_LINK_DOWN] = on_link_down,
        [WEFT_FETCHER_WRITTEN] = on_written,
        [WEFT_FETCHER_VERIFIED] = on_verified,
        [WEFT_FETCHER_TICK] = on_tick},
    [WEFT_FETCHER_FETCHING] = {[WEFT_FETCHER_LINK_DOWN] = on_link_down,
        [WEFT_FETCHER_CHUNK] = on_chunk,
        [WEFT_FETCHER_WRITTEN] = on_written,
        [WEFT_FETCHER_VERIFIED] = on_verified,
        [WEFT_FETCHER_TICK] = on_tick},
    [WEFT_FETCHER_VERIFYING] = {[WEFT_FETCHER_LINK_DOWN] = on_link_down,
        [WEFT_FETCHER_VERIFIED] = on_verified,
        [WEFT_FETCHER_TICK] = on_tick},
    [WEFT_FETCHER_STAGED] = {[WEFT_FETCHER_TICK] = on_tick},
    [WEFT_FETCHER_FAILED] = {[WEFT_FETCHER_TICK] = on_tick},
};

void weft_fetcher_init(struct weft_fetcher *f)
{
    *f = (struct weft_fetcher){.state = WEFT_FETCHER_IDLE};
    check(f);
}

enum weft_err weft_fetcher_step(struct weft_fetcher *f, const struct weft_fetcher_event *event,
    struct weft_fetcher_update *ret_update)
{
    weft_assert(event->type < WEFT_FETCHER_EVENTS);
    weft_assert(event->now_ms >= f->now_ms);

    handler *on_event = admitted[f->state][event->type];
    enum weft_err rv = WEFT_ESTATE;
    *ret_update = (struct weft_fetcher_update){0};
    f->now_ms = event->now_ms;
    if (on_event != NULL) {
        rv = on_event(f, event, ret_update);
    }
    f->deadline_ms = deadline_of(f);
    check(f);
    ret_update->deadline_ms = f->deadline_ms;
    return rv;
}
