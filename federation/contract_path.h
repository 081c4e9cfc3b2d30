/* federation/contract_path.h: whether a path of a contract covers a field's. Private to contract
 * and to cells/intake. */
#ifndef WEFT_FEDERATION_CONTRACT_PATH_H
#define WEFT_FEDERATION_CONTRACT_PATH_H

#include "proto/bytes.h"

/* The same, or whole segments in front of it; the empty one covers all. */
static inline bool weft_contract_path_covers(struct weft_text outer, struct weft_text path)
{
    if (outer.size == 0) {
        return true;
    }
    return path.size >= outer.size && memcmp(path.data, outer.data, outer.size) == 0 &&
           (path.size == outer.size || path.data[outer.size] == '/');
}

#endif
