#include "jepsen/cluster/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char interface[] = "eth0";

struct jep_address jep_address_of(int cluster, unsigned number)
{
    uint8_t third = (uint8_t)(cluster + 1), fourth = (uint8_t)(number + 1);
    /* 02: locally administered (IEEE 802, 8.2.2). */
    return (struct jep_address){{10, 9, third, fourth}, {0x02, 0, 10, 9, third, fourth}};
}

void jep_address_print(const struct jep_address *address, char ret_text[JEP_ADDRESS_BYTES])
{
    const uint8_t *ip = address->ip;
    (void)snprintf(ret_text, JEP_ADDRESS_BYTES, "%u.%u.%u.%u", ip[0], ip[1], ip[2], ip[3]);
}

static void put_address(struct sockaddr *to, const uint8_t ip[4])
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    memcpy(&in.sin_addr, ip, 4);
    memcpy(to, &in, sizeof(in));
}

static bool raise_interface(int s, const char *name, struct jep_message *message)
{
    struct ifreq request = {0};
    (void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    if (ioctl(s, SIOCGIFFLAGS, &request) != 0) {
        return jep_failed(message, "flags of %s: %s", name, strerror(errno));
    }
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP | IFF_RUNNING);
    if (ioctl(s, SIOCSIFFLAGS, &request) != 0) {
        return jep_failed(message, "raise %s: %s", name, strerror(errno));
    }
    return true;
}

bool jep_port_raise_loopback(struct jep_message *message)
{
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0) {
        return jep_failed(message, "socket: %s", strerror(errno));
    }
    bool is_up = raise_interface(s, "lo", message);
    (void)close(s);
    return is_up;
}

static void turn_off_ipv6(void)
{
    /* Below /proc/sys/net each thread sees its own namespace. Where it cannot be written, the
     * switch drops what comes of it. */
    int fd = open("/proc/sys/net/ipv6/conf/all/disable_ipv6", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "1", 1);
        (void)close(fd);
    }
}

static bool configure(int s, const struct jep_address *own, struct jep_message *message)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, interface, sizeof(interface));
    request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(request.ifr_hwaddr.sa_data, own->hardware, JEP_HARDWARE_BYTES);
    if (ioctl(s, SIOCSIFHWADDR, &request) != 0) {
        return jep_failed(message, "hardware address: %s", strerror(errno));
    }
    put_address(&request.ifr_addr, own->ip);
    if (ioctl(s, SIOCSIFADDR, &request) != 0) {
        return jep_failed(message, "address: %s", strerror(errno));
    }
    put_address(&request.ifr_netmask, (const uint8_t[4]){255, 255, 0, 0});
    if (ioctl(s, SIOCSIFNETMASK, &request) != 0) {
        return jep_failed(message, "netmask: %s", strerror(errno));
    }
    request.ifr_mtu = JEP_MTU_BYTES;
    if (ioctl(s, SIOCSIFMTU, &request) != 0) {
        return jep_failed(message, "MTU: %s", strerror(errno));
    }
    return raise_interface(s, interface, message);
}

static bool know_all(
    int s, const struct jep_address *all, unsigned count, unsigned own, struct jep_message *message)
{
    for (unsigned i = 0; i < count; i++) {
        struct arpreq entry = {.arp_flags = ATF_COM | ATF_PERM};
        if (i == own) {
            continue;
        }
        put_address(&entry.arp_pa, all[i].ip);
        entry.arp_ha.sa_family = ARPHRD_ETHER;
        memcpy(entry.arp_ha.sa_data, all[i].hardware, JEP_HARDWARE_BYTES);
        memcpy(entry.arp_dev, interface, sizeof(interface));
        if (ioctl(s, SIOCSARP, &entry) != 0) {
            return jep_failed(message, "permanent neighbour: %s", strerror(errno));
        }
    }
    return true;
}

/* In the namespace that the calling thread is in now. */
static bool open_here(struct jep_port *port, const struct jep_address *all, unsigned count,
    unsigned own, struct jep_message *message)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    memcpy(request.ifr_name, interface, sizeof(interface));
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    port->netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    port->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    bool is_open = false;
    if (s < 0 || port->netns < 0 || port->tap < 0) {
        (void)jep_failed(message, "open %s: %s",
            s < 0             ? "a socket"
            : port->netns < 0 ? "the network namespace"
                              : "/dev/net/tun",
            strerror(errno));
    } else if (ioctl(port->tap, TUNSETIFF, &request) != 0) {
        (void)jep_failed(message, "make a TAP device: %s", strerror(errno));
    } else {
        turn_off_ipv6();
        is_open = raise_interface(s, "lo", message) && configure(s, &all[own], message) &&
                  know_all(s, all, count, own, message);
    }
    if (s >= 0) {
        (void)close(s);
    }
    return is_open;
}

bool jep_port_open(struct jep_port *port, const struct jep_address *all, unsigned count,
    unsigned own, bool is_new, struct jep_message *message)
{
    *port = (struct jep_port){-1, -1};
    int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (back < 0) {
        return jep_failed(message, "own network namespace: %s", strerror(errno));
    }
    bool is_open = false;
    if (is_new && unshare(CLONE_NEWNET) != 0) {
        (void)jep_failed(message, "new network namespace: %s", strerror(errno));
    } else {
        is_open = open_here(port, all, count, own, message);
        if (is_new && setns(back, CLONE_NEWNET) != 0) {
            /* This thread is in the wrong place for good: nothing it does would be right. */
            is_open = jep_failed(message, "return from namespace: %s", strerror(errno));
        }
    }
    (void)close(back);
    if (!is_open) {
        jep_port_close(port);
    }
    return is_open;
}

void jep_port_close(struct jep_port *port)
{
    if (port->tap >= 0) {
        (void)close(port->tap);
    }
    if (port->netns >= 0) {
        (void)close(port->netns);
    }
    *port = (struct jep_port){-1, -1};
}
