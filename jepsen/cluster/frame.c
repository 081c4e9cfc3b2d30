#include "jepsen/cluster/frame.h"

enum {
    ETHERNET_BYTES = 14,
    IP_BYTES_MIN = 20,
    TCP_BYTES_MIN = 20,
    TCP_PROTOCOL = 6,   /* RFC 9293, 3.1 */
    TCP_OFFSET_AT = 12, /* in its header: upper four bits, in 32-bit words */
    TCP_CHECKSUM_AT = 16
};

bool jep_frame_is_ipv4(const uint8_t *frame, size_t size)
{
    return size >= ETHERNET_BYTES + IP_BYTES_MIN && frame[12] == 0x08 && frame[13] == 0x00 &&
           frame[ETHERNET_BYTES] >> 4 == 4;
}

static unsigned get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* The new checksum after one 16-bit word changed: HC' = ~(~HC + ~m + m') (RFC 1624, section 3). */
static unsigned patch_checksum(unsigned checksum, unsigned before, unsigned after)
{
    unsigned sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

bool jep_frame_corrupt(uint8_t *frame, size_t size, uint32_t place)
{
    if (!jep_frame_is_ipv4(frame, size)) {
        return false;
    }
    uint8_t *ip = frame + ETHERNET_BYTES;
    size_t ip_bytes = (size_t)(ip[0] & 0x0f) * 4, total = get16(ip + 2);
    if (ip_bytes < IP_BYTES_MIN || ip[9] != TCP_PROTOCOL || total > size - ETHERNET_BYTES ||
        total < ip_bytes + TCP_BYTES_MIN || (get16(ip + 6) & 0x3fff) != 0) {
        return false; /* not TCP, or a fragment of it */
    }
    uint8_t *tcp = ip + ip_bytes;
    size_t tcp_bytes = (size_t)(tcp[TCP_OFFSET_AT] >> 4) * 4;
    if (tcp_bytes < TCP_BYTES_MIN || ip_bytes + tcp_bytes >= total) {
        return false; /* no payload */
    }
    size_t payload = total - ip_bytes - tcp_bytes;
    size_t at = tcp_bytes + place / 8 % payload;
    size_t word = at & ~(size_t)1; /* checksums count in words from the header's start */
    bool is_odd_end = word + 1 >= total - ip_bytes;
    unsigned before = is_odd_end ? (unsigned)tcp[word] << 8 : get16(tcp + word);
    tcp[at] = (uint8_t)(tcp[at] ^ 1u << place % 8);
    unsigned after = is_odd_end ? (unsigned)tcp[word] << 8 : get16(tcp + word);
    unsigned checksum = patch_checksum(get16(tcp + TCP_CHECKSUM_AT), before, after);
    tcp[TCP_CHECKSUM_AT] = (uint8_t)(checksum >> 8);
    tcp[TCP_CHECKSUM_AT + 1] = (uint8_t)checksum;
    return true;
}
