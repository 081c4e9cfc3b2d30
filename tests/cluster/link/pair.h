/* tests/cluster/link/pair.h: the usual rig: a door (n1), a caller (n2), perhaps a relay between. */
#ifndef WEFT_TESTS_LINK_PAIR_H
#define WEFT_TESTS_LINK_PAIR_H

#include "tests/cluster/link/rig.h"

struct pair {
    struct rig rig;
    struct party door;   /* n1, listens. */
    struct party caller; /* n2, dials. */
    struct relay *relay; /* NULL: none. */
    struct weft_link_conn *conn;
};

struct pair_options { /* 0: as rig_options. */
    uint32_t heartbeat_ms;
    uint32_t slow_ms;
    uint32_t handshake_ms;
    uint32_t handshakes_max;
    uint32_t connections_max;
    bool has_relay;
    const char *listen; /* The door's address. */
};

void pair_open_with(struct pair *p, struct pair_options options);
void pair_open(struct pair *p);
void pair_up(struct pair *p); /* And wait until both ends are up. */
void pair_close(struct pair *p);

#endif
