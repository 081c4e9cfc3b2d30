/* tests/cluster/link/rig.h: parties on one loop, with certificates, that talk over real links.
 *
 * A party is a link with counters for every callback. Which implementation a party uses comes
 * from WEFT_TEST_LINK (who listens) and WEFT_TEST_LINK_OTHER (who dials), so that one suite
 * covers both links and their mixture. Everything is on loopback, ports are chosen by the
 * kernel, and every wait has a deadline. */
#ifndef WEFT_TESTS_LINK_RIG_H
#define WEFT_TESTS_LINK_RIG_H

#include <uv.h>

#include "node/link/link.h"
#include "tests/lib/certs.h"

enum {
    RIG_EVENTS_MAX = 64,
    RIG_TEXT_SIZE = 512,
    RIG_WAIT_MS = 60000 /* chosen: only what hangs takes as long, on however busy a machine */
};

struct rig {
    uv_loop_t loop;
    char directory[512];
    struct test_ca *ca;
    struct test_ca *other_ca;
};

struct party {
    struct rig *rig;
    struct weft_link *link;
    struct weft_link_conn *conn; /* Last that came up; NULL when it went down. */
    int ups, downs, drained, closed, admitted;
    uint64_t messages;
    uint64_t next; /* Sequence number expected of the other end (request id). */
    bool is_echo;  /* Sends every message back. */
    bool is_admitting;
    bool is_order_broken;
    bool is_content_broken;
    enum weft_err verdict; /* What on_message returns. */
    bool is_closing_in_message;
    struct weft_identity identity;
    size_t last_size;
    char events[RIG_EVENTS_MAX][RIG_TEXT_SIZE]; /* "name: detail". */
    int event_count;
};

/* Roots "ca" (acme.example) and "other" (other.example); certificates n1, n2 (P-256) and n3
 * (Ed25519) of plant1, p2n1 of plant2, stranger of the other root. */
void rig_create(struct rig *rig);
/* Called at the end of rig_create, for certificates of a test's own. NULL: nothing. */
extern void (*rig_on_create)(struct rig *rig);
void rig_destroy(struct rig *rig);
const char *rig_path(const struct rig *rig, const char *file);

/* A relay in front of `address` that can stop forwarding, or cut what it carries. */
struct relay;
struct relay *relay_open(struct rig *rig, const char *address);
const char *relay_address(const struct relay *relay);
void relay_block(struct relay *relay, bool is_blocked);
void relay_cut(struct relay *relay);
void relay_close(struct relay *relay);

/* A stranger that connects and says `bytes`; closed by the test's end or rig_stranger_close. */
struct stranger {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    int connected, ended; /* 1 when so. */
    char buffer[4096];
};
void stranger_open(struct rig *rig, struct stranger *s, const char *address);
void stranger_close(struct stranger *s);

/* Options of a party with the certificate `name`; `is_listening` on test_loopback(), any port. */
struct weft_link_options rig_options(
    struct rig *rig, struct party *party, const char *name, bool is_listening);
void rig_open(struct rig *rig, struct party *party, const struct weft_link_options *options);
void rig_close(struct party *party);
struct weft_link_conn *rig_dial(struct party *party, const char *address);

/* Runs the loop until *flag >= wanted; false after `wait_ms`. */
bool rig_until(struct rig *rig, const int *flag, int wanted, uint64_t wait_ms);
bool rig_until_u64(struct rig *rig, const uint64_t *flag, uint64_t wanted, uint64_t wait_ms);
void rig_run_ms(struct rig *rig, uint64_t wait_ms);

/* A message of `size` bytes with a sequence number and a content that follows from it. */
enum weft_err rig_send(struct weft_link_conn *conn, uint64_t sequence, size_t size);
bool rig_has_event(const struct party *party, const char *part);
struct weft_link_stats rig_stats(const struct party *party);
enum weft_link_type rig_type(bool is_listening);

#endif
