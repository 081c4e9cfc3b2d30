#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jepsen/cluster/probe.h"
#include "jepsen/cluster/process.h"
#include "jepsen/cluster/switch.h"

/* Two ports, a switch, and datagrams from one to the other. The namespaces are new ones: the port
 * of the clients is not touched. */

enum {
    UDP_PORT = 7103,
    WAIT_MS = 300, /* for what does not come; a frame takes 0.1 ms */
    DELAY_MS = 40
};

struct pair {
    struct jep_address addresses[2];
    struct jep_port ports[2];
    struct jep_switch *sw;
    int sockets[2];
};

static void close_pair(struct pair *pair)
{
    jep_switch_close(pair->sw);
    for (int i = 0; i < 2; i++) {
        if (pair->sockets[i] >= 0) {
            (void)close(pair->sockets[i]);
        }
        jep_port_close(&pair->ports[i]);
    }
}

static int bind_socket(struct jep_message *message)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(UDP_PORT)};
    struct timeval wait = {.tv_usec = WAIT_MS * 1000};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s >= 0 && setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
        bind(s, (struct sockaddr *)&any, sizeof(any)) == 0) {
        return s;
    }
    (void)jep_failed(message, "socket: %s", strerror(errno));
    if (s >= 0) {
        (void)close(s);
    }
    return -1;
}

/* A socket of the port's namespace: it stays there when the thread has gone back. */
static int open_socket(const struct jep_port *port, struct jep_message *message)
{
    int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), s = -1;
    if (back < 0 || setns(port->netns, CLONE_NEWNET) != 0) {
        (void)jep_failed(message, "enter the port's namespace: %s", strerror(errno));
    } else {
        s = bind_socket(message);
        if (setns(back, CLONE_NEWNET) != 0) {
            (void)jep_failed(message, "return from namespace: %s", strerror(errno));
        }
    }
    if (back >= 0) {
        (void)close(back);
    }
    return s;
}

static bool open_pair(struct pair *pair, struct jep_message *message)
{
    *pair = (struct pair){.ports = {{-1, -1}, {-1, -1}}, .sockets = {-1, -1}};
    bool is_open = true;
    for (unsigned i = 0; i < 2; i++) {
        pair->addresses[i] = jep_address_of(7, i);
    }
    for (unsigned i = 0; i < 2 && is_open; i++) {
        is_open = jep_port_open(&pair->ports[i], pair->addresses, 2, i, true, message);
    }
    is_open = is_open && jep_switch_start(pair->ports, pair->addresses, 2, 1, &pair->sw, message);
    for (unsigned i = 0; i < 2 && is_open; i++) {
        pair->sockets[i] = open_socket(&pair->ports[i], message);
        is_open = pair->sockets[i] >= 0;
    }
    if (!is_open) {
        close_pair(pair);
    }
    return is_open;
}

/* ms that a datagram took; -1: it did not come. */
static double send_over(const struct pair *pair, int from, int to)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(UDP_PORT)};
    char byte = 'x';
    memcpy(&there.sin_addr, pair->addresses[to].ip, 4);
    int64_t begin = jep_now_ns();
    if (sendto(pair->sockets[from], &byte, 1, 0, (struct sockaddr *)&there, sizeof(there)) != 1 ||
        recv(pair->sockets[to], &byte, 1, 0) != 1) {
        return -1;
    }
    return (double)(jep_now_ns() - begin) / 1e6;
}

bool jep_probe_cut(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    struct pair pair;
    struct jep_link_counts counts;
    (void)place;
    if (!open_pair(&pair, told)) {
        return false;
    }
    jep_switch_set(pair.sw, 0, 1, &(struct jep_link_rule){.is_cut = is_faulty});
    double there = send_over(&pair, 0, 1), back = send_over(&pair, 1, 0);
    jep_switch_counts(pair.sw, 0, 1, &counts);
    close_pair(&pair);
    (void)jep_failed(told, "there %s, back %s, %llu cut", there < 0 ? "silence" : "came",
        back < 0 ? "silence" : "came", (unsigned long long)counts.cut);
    return back >= 0 && (there < 0) == is_faulty && (counts.cut > 0) == is_faulty;
}

bool jep_probe_delay(const struct jep_probe_place *place, bool is_faulty, struct jep_message *told)
{
    struct pair pair;
    (void)place;
    if (!open_pair(&pair, told)) {
        return false;
    }
    struct jep_link_rule rule = {.delay_us = is_faulty ? DELAY_MS * 1000 : 0};
    jep_switch_set(pair.sw, 0, 1, &rule);
    double ms = send_over(&pair, 0, 1);
    close_pair(&pair);
    (void)jep_failed(told, "%.2f ms", ms);
    return ms >= 0 && (ms >= DELAY_MS) == is_faulty;
}
