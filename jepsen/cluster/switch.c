#include "jepsen/cluster/switch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "jepsen/cluster/delayed.h"
#include "jepsen/cluster/frame.h"
#include "jepsen/core/arena.h"

enum {
    FRAMES_PER_TURN = 64 /* of one port, so that none starves the others; chosen */
};

struct jep_switch {
    unsigned count;
    struct pollfd polled[JEP_PORTS_MAX + 1]; /* the ports, and `ends` */
    struct jep_address addresses[JEP_PORTS_MAX];
    int ends; /* eventfd: readable when the thread shall end */
    pthread_t thread;
    struct jep_delayed delayed; /* the thread's own */
    pthread_mutex_t lock;       /* guards what follows */
    struct jep_link links[JEP_PORTS_MAX][JEP_PORTS_MAX];
};

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Port of that hardware address; count: none (a broadcast, a stranger). */
static unsigned port_of(const struct jep_switch *sw, const uint8_t *hardware)
{
    unsigned i = 0;
    while (i < sw->count && memcmp(sw->addresses[i].hardware, hardware, JEP_HARDWARE_BYTES) != 0) {
        i++;
    }
    return i;
}

static void deliver(struct jep_switch *sw, unsigned to, const uint8_t *frame, size_t size)
{
    /* A device whose queue is full drops, as a cable would. */
    (void)!write(sw->polled[to].fd, frame, size);
}

static void forward(struct jep_switch *sw, unsigned from, uint8_t *frame, size_t size)
{
    unsigned to = port_of(sw, frame);
    if (to == sw->count || to == from || !jep_frame_is_ipv4(frame, size)) {
        return;
    }
    int64_t now = now_ns();
    (void)pthread_mutex_lock(&sw->lock);
    struct jep_link *link = &sw->links[from][to];
    struct jep_link_fate fate = jep_link_decide(link, size, now);
    if (fate.is_corrupt && jep_frame_corrupt(frame, size, fate.corrupt_at)) {
        link->counts.corrupted++;
    }
    (void)pthread_mutex_unlock(&sw->lock);
    if (fate.kind == JEP_LINK_DROP) {
        return;
    }
    if (fate.due_ns <= now) {
        deliver(sw, to, frame, size);
    } else {
        (void)jep_delayed_put(&sw->delayed, fate.due_ns, to, frame, size);
    }
    if (fate.kind == JEP_LINK_DELIVER_TWICE) {
        (void)jep_delayed_put(&sw->delayed, fate.twin_due_ns, to, frame, size);
    }
}

static void read_port(struct jep_switch *sw, unsigned from)
{
    uint8_t frame[JEP_FRAME_BYTES_MAX];
    for (int i = 0; i < FRAMES_PER_TURN; i++) {
        ssize_t size = read(sw->polled[from].fd, frame, sizeof(frame));
        if (size < JEP_HARDWARE_BYTES) {
            return;
        }
        forward(sw, from, frame, (size_t)size);
    }
}

static void deliver_due(struct jep_switch *sw)
{
    struct jep_delayed_frame *frame;
    int64_t now = now_ns();
    while ((frame = jep_delayed_take(&sw->delayed, now)) != NULL) {
        deliver(sw, frame->to, frame->bytes, frame->size);
        free(frame);
    }
}

static void *run(void *ctx)
{
    struct jep_switch *sw = ctx;
    for (;;) {
        struct timespec wait = {0}, *until = NULL;
        int64_t next = jep_delayed_next_ns(&sw->delayed);
        if (next >= 0) {
            int64_t left = next - now_ns();
            left = left > 0 ? left : 0;
            wait = (struct timespec){.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
            until = &wait;
        }
        if (ppoll(sw->polled, sw->count + 1, until, NULL) < 0 && errno != EINTR) {
            return NULL;
        }
        if (sw->polled[sw->count].revents != 0) {
            return NULL;
        }
        deliver_due(sw);
        for (unsigned i = 0; i < sw->count; i++) {
            if (sw->polled[i].revents != 0) {
                read_port(sw, i);
            }
        }
    }
}

bool jep_switch_start(const struct jep_port *ports, const struct jep_address *addresses,
    unsigned count, uint64_t seed, struct jep_switch **ret_switch, struct jep_message *message)
{
    struct jep_switch *sw = jep_alloc(1, sizeof(*sw));
    memset(sw, 0, sizeof(*sw));
    sw->count = count;
    sw->ends = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sw->ends < 0) {
        free(sw);
        return jep_failed(message, "eventfd: %s", strerror(errno));
    }
    for (unsigned i = 0; i < count; i++) {
        sw->polled[i] = (struct pollfd){.fd = ports[i].tap, .events = POLLIN};
        sw->addresses[i] = addresses[i];
        for (unsigned k = 0; k < count; k++) {
            jep_link_init(&sw->links[i][k], seed, i, k);
        }
    }
    sw->polled[count] = (struct pollfd){.fd = sw->ends, .events = POLLIN};
    (void)pthread_mutex_init(&sw->lock, NULL);
    int failure = pthread_create(&sw->thread, NULL, run, sw);
    if (failure != 0) {
        (void)close(sw->ends);
        (void)pthread_mutex_destroy(&sw->lock);
        free(sw);
        return jep_failed(message, "start the switch: %s", strerror(failure));
    }
    *ret_switch = sw;
    return true;
}

void jep_switch_close(struct jep_switch *sw)
{
    if (sw == NULL) {
        return;
    }
    (void)eventfd_write(sw->ends, 1);
    (void)pthread_join(sw->thread, NULL);
    (void)pthread_mutex_destroy(&sw->lock);
    (void)close(sw->ends);
    jep_delayed_free(&sw->delayed);
    free(sw);
}

void jep_switch_set(
    struct jep_switch *sw, unsigned from, unsigned to, const struct jep_link_rule *rule)
{
    (void)pthread_mutex_lock(&sw->lock);
    jep_link_set(&sw->links[from][to], rule, now_ns());
    (void)pthread_mutex_unlock(&sw->lock);
}

void jep_switch_rule(
    struct jep_switch *sw, unsigned from, unsigned to, struct jep_link_rule *ret_rule)
{
    (void)pthread_mutex_lock(&sw->lock);
    *ret_rule = sw->links[from][to].rule;
    (void)pthread_mutex_unlock(&sw->lock);
}

void jep_switch_counts(
    struct jep_switch *sw, unsigned from, unsigned to, struct jep_link_counts *ret_counts)
{
    (void)pthread_mutex_lock(&sw->lock);
    *ret_counts = sw->links[from][to].counts;
    (void)pthread_mutex_unlock(&sw->lock);
}
