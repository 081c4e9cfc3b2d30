#include "tests/cluster/link/pair.h"

#include "tests/lib/test.h"

static void apply(struct weft_link_options *o, const struct pair_options *p)
{
    o->heartbeat_ms = p->heartbeat_ms > 0 ? p->heartbeat_ms : o->heartbeat_ms;
    o->slow_ms = p->slow_ms;
    o->handshake_ms = p->handshake_ms > 0 ? p->handshake_ms : o->handshake_ms;
    o->handshakes_max = p->handshakes_max;
    o->connections_max = p->connections_max > 0 ? p->connections_max : o->connections_max;
}

void pair_open_with(struct pair *p, struct pair_options options)
{
    *p = (struct pair){.relay = NULL};
    rig_create(&p->rig);
    struct weft_link_options door = rig_options(&p->rig, &p->door, "n1", true);
    struct weft_link_options caller = rig_options(&p->rig, &p->caller, "n2", false);
    apply(&door, &options);
    apply(&caller, &options);
    door.listen = options.listen != NULL ? options.listen : door.listen;
    rig_open(&p->rig, &p->door, &door);
    rig_open(&p->rig, &p->caller, &caller);
    const char *address = weft_link_address(p->door.link);
    if (options.has_relay) {
        p->relay = relay_open(&p->rig, address);
        address = relay_address(p->relay);
    }
    p->conn = rig_dial(&p->caller, address);
}

void pair_open(struct pair *p)
{
    pair_open_with(p, (struct pair_options){.has_relay = false});
}

void pair_up(struct pair *p)
{
    pair_open(p);
    EXPECT_TRUE(rig_until(&p->rig, &p->caller.ups, 1, RIG_WAIT_MS));
    EXPECT_TRUE(rig_until(&p->rig, &p->door.ups, 1, RIG_WAIT_MS));
}

void pair_close(struct pair *p)
{
    rig_close(&p->caller);
    rig_close(&p->door);
    if (p->relay != NULL) {
        relay_close(p->relay);
    }
    rig_destroy(&p->rig);
}
