/* tests/cluster/client/fake_node.h: a node that does as it is told, in a thread of its own: the
 * other end of the client under test. It "commits" by remembering request ids. */
#ifndef WEFT_TESTS_FAKE_NODE_H
#define WEFT_TESTS_FAKE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/record.h"

enum fake_mode {
    FAKE_LEADER,   /* Commits and answers. */
    FAKE_FOLLOWER, /* Names the leader. */
    FAKE_ELECTING, /* Not the leader, and knows of none. */
    FAKE_BUSY,     /* Every second request is told so. */
    FAKE_SILENT,   /* Takes requests and never answers. */
    FAKE_DROPPING, /* Commits, drops the connection without an answer, then is LEADER. */
    FAKE_REFUSING, /* By policy. */
    FAKE_CONFLICT, /* Present revision 12. */
};

struct fake_node;

/* `identity`: files <identity>.crt and .key in `directory`, with ca.crt. Port 0: any. */
struct fake_node *fake_node_start(
    const char *directory, const char *identity, const char *listen, enum fake_mode mode);
void fake_node_stop(struct fake_node *n);
const char *fake_node_address(const struct fake_node *n);
/* Takes effect for the next message. */
void fake_node_set(struct fake_node *n, enum fake_mode mode);
void fake_node_set_leader(struct fake_node *n, const char *address);

uint64_t fake_node_requests(const struct fake_node *n); /* Of every kind. */
uint64_t fake_node_commits(const struct fake_node *n);  /* Different request ids. */
uint64_t fake_node_repeats(const struct fake_node *n);  /* Request ids seen again. */
/* First four bytes of the i-th id committed, as the test numbered it. */
uint32_t fake_node_commit(const struct fake_node *n, uint64_t i);

#endif
