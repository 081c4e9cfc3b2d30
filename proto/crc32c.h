/* proto/crc32c.h: CRC-32C (Castagnoli; RFC 3720, appendix B.4), for frames on disk and chunks.
 *
 * Chained: weft_crc32c(weft_crc32c(0, a), b) is the checksum of a followed by b. Uses the
 * processor's instruction where there is one. */
#ifndef WEFT_PROTO_CRC32C_H
#define WEFT_PROTO_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t weft_crc32c(uint32_t seed, const void *data, size_t size);
/* The same without the instruction. */
uint32_t weft_crc32c_portable(uint32_t seed, const void *data, size_t size);

#endif
