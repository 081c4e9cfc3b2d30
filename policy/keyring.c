#include "policy/keyring.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/check.h"

enum {
    CAPACITY_FIRST = 16,
};

/* policy.md, 1, "signs" and "never signs". Who is not here signs not at all. */
static const bool may_sign[WEFT_PRINCIPAL_CLASSES][WEFT_DOCUMENT_KINDS] = {
    [WEFT_PRINCIPAL_NODE] = {[WEFT_DOCUMENT_ENROLL] = true,
        [WEFT_DOCUMENT_CHECKPOINT] = true,
        [WEFT_DOCUMENT_REFUSAL] = true},
    [WEFT_PRINCIPAL_OP] = {[WEFT_DOCUMENT_ENROLL] = true,
        [WEFT_DOCUMENT_REVOKE] = true,
        [WEFT_DOCUMENT_POLICY] = true,
        [WEFT_DOCUMENT_ENVELOPE] = true,
        [WEFT_DOCUMENT_CALENDAR] = true,
        [WEFT_DOCUMENT_COMMAND] = true,
        [WEFT_DOCUMENT_APPROVAL] = true,
        [WEFT_DOCUMENT_RESOLUTION] = true,
        [WEFT_DOCUMENT_HANDOVER] = true,
        [WEFT_DOCUMENT_REQUEST] = true,
        [WEFT_DOCUMENT_TOKEN] = true},
    [WEFT_PRINCIPAL_SVC] = {[WEFT_DOCUMENT_ENROLL] = true,
        [WEFT_DOCUMENT_COMMAND] = true,
        [WEFT_DOCUMENT_HANDOVER] = true,
        [WEFT_DOCUMENT_REQUEST] = true,
        [WEFT_DOCUMENT_TOKEN] = true},
    [WEFT_PRINCIPAL_GW] = {[WEFT_DOCUMENT_ENROLL] = true, [WEFT_DOCUMENT_RECEIPT] = true},
    [WEFT_PRINCIPAL_WIT] = {[WEFT_DOCUMENT_ENROLL] = true, [WEFT_DOCUMENT_COSIGNATURE] = true},
};

bool weft_keyring_may_sign(enum weft_principal_class class, enum weft_document_kind kind)
{
    weft_assert((unsigned)class < WEFT_PRINCIPAL_CLASSES); /* POL-29 */
    weft_assert((unsigned)kind < WEFT_DOCUMENT_KINDS);     /* POL-29 */
    return may_sign[class][kind];
}

void weft_keyring_destroy(struct weft_keyring *ring)
{
    free(ring->keys);
    *ring = (struct weft_keyring){NULL, 0, 0};
}

/* --- keys in order --------------------------------------------------------------------------- */

static int compare(const struct weft_keyring_key *key, struct weft_text name, uint32_t key_id)
{
    int order = weft_text_compare(weft_text_of(key->verifier.name), name);
    if (order != 0) {
        return order;
    }
    return key->verifier.key_id < key_id ? -1 : key->verifier.key_id > key_id;
}

/* The first key that is not below. */
static uint32_t place_of(const struct weft_keyring *ring, struct weft_text name, uint32_t key_id)
{
    uint32_t low = 0, high = ring->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(&ring->keys[middle], name, key_id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const struct weft_keyring_key *weft_keyring_find(
    const struct weft_keyring *ring, struct weft_text name, uint32_t key_id)
{
    uint32_t at = place_of(ring, name, key_id);
    bool is_found = at < ring->count && compare(&ring->keys[at], name, key_id) == 0;
    return is_found ? &ring->keys[at] : NULL;
}

/* A node's key is its log's: C2SP tlog-checkpoint wants the key's name to be the origin, which all
 * nodes of a site share. */
static bool is_origin_of(const struct weft_principal *node, const char *name)
{
    char before[2 * WEFT_PRINCIPAL_PART_SIZE_MAX + 3];
    int size = snprintf(before, sizeof(before), "%s/%s/", node->org, node->site);
    return strncmp(name, before, (size_t)size) == 0 && name[size] != '\0';
}

enum weft_err weft_keyring_check_name(const struct weft_principal *principal,
    const struct weft_verifier *verifier, struct weft_msg *msg)
{
    char text[WEFT_PRINCIPAL_TEXT_SIZE];
    weft_principal_format(principal, text);
    enum weft_signer_type type =
        principal->class == WEFT_PRINCIPAL_WIT ? WEFT_SIGNER_COSIGNATURE : WEFT_SIGNER_ED25519;
    if (verifier->type != type) {
        return weft_fail(msg, WEFT_EINVAL, "a %s has keys of type 0x%02x",
            weft_principal_class_name(principal->class), (unsigned)type);
    }
    bool is_named = principal->class == WEFT_PRINCIPAL_NODE
                        ? is_origin_of(principal, verifier->name)
                        : strcmp(text, verifier->name) == 0;
    return is_named
               ? WEFT_OK
               : weft_fail(msg, WEFT_EINVAL, "a key of %s is not named %s", text, verifier->name);
}

static enum weft_err grow(struct weft_keyring *ring, struct weft_msg *msg)
{
    if (ring->count == WEFT_KEYRING_KEYS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "more than %d keys", WEFT_KEYRING_KEYS_MAX);
    }
    if (ring->count < ring->capacity) {
        return WEFT_OK;
    }
    uint32_t capacity = ring->capacity > 0 ? 2 * ring->capacity : CAPACITY_FIRST;
    struct weft_keyring_key *keys = realloc(ring->keys, capacity * sizeof(*keys));
    if (keys == NULL) {
        return weft_fail(msg, WEFT_ENOMEM, "no memory for a key");
    }
    ring->keys = keys;
    ring->capacity = capacity;
    return WEFT_OK;
}

static enum weft_err check_new(
    const struct weft_keyring *ring, const struct weft_verifier *verifier, struct weft_msg *msg)
{
    if (weft_keyring_find(ring, weft_text_of(verifier->name), verifier->key_id) != NULL) {
        return weft_fail(msg, WEFT_ECONFLICT, "duplicate-key-id: %s+%08x is known", verifier->name,
            verifier->key_id);
    }
    weft_assert(ring->keys != NULL || ring->count == 0);
    /* All of them: keys are enrolled seldom, and looked up by name. */
    for (uint32_t i = 0; i < ring->count; i++) {
        if (weft_ed25519_key_equal(&ring->keys[i].verifier.key, &verifier->key)) {
            return weft_fail(msg, WEFT_ECONFLICT, "duplicate-key-id: it is the key of %s+%08x",
                ring->keys[i].verifier.name, ring->keys[i].verifier.key_id);
        }
    }
    return WEFT_OK;
}

static enum weft_err insert(
    struct weft_keyring *ring, const struct weft_keyring_key *key, struct weft_msg *msg)
{
    enum weft_err err = weft_keyring_check_name(&key->principal, &key->verifier, msg);
    if (err == WEFT_OK) {
        err = check_new(ring, &key->verifier, msg);
    }
    if (err == WEFT_OK) {
        err = grow(ring, msg);
    }
    if (err != WEFT_OK) {
        return err;
    }
    weft_assert(ring->keys != NULL && ring->count < ring->capacity); /* POL-30: it has grown */
    uint32_t at = place_of(ring, weft_text_of(key->verifier.name), key->verifier.key_id);
    memmove(&ring->keys[at + 1], &ring->keys[at], (ring->count - at) * sizeof(*key));
    ring->keys[at] = *key;
    ring->count++;
    return WEFT_OK;
}

enum weft_err weft_keyring_add(struct weft_keyring *ring, const struct weft_principal *principal,
    const struct weft_verifier *verifier, uint64_t index, struct weft_msg *msg)
{
    const struct weft_keyring_key key = {.principal = *principal,
        .verifier = *verifier,
        .from_index = index,
        .until_index = WEFT_KEYRING_FOR_EVER};
    return insert(ring, &key, msg);
}

enum weft_err weft_keyring_revoke(struct weft_keyring *ring, const struct weft_verifier *verifier,
    uint64_t index, struct weft_msg *msg)
{
    uint32_t at = place_of(ring, weft_text_of(verifier->name), verifier->key_id);
    if (at == ring->count || !weft_verifier_equal(&ring->keys[at].verifier, verifier)) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no key %s+%08x", verifier->name, verifier->key_id);
    }
    if (!weft_keyring_is_valid(&ring->keys[at], index)) {
        return weft_fail(
            msg, WEFT_ESTATE, "the key %s+%08x is not valid", verifier->name, verifier->key_id);
    }
    ring->keys[at].until_index = index;
    return WEFT_OK;
}

/* --- signatures ------------------------------------------------------------------------------ */

/* The keys of one note's signatures that count, and whose they are. */
struct counting {
    struct weft_verifier verifiers[WEFT_NOTE_SIGNATURES_MAX];
    uint32_t signers[WEFT_NOTE_SIGNATURES_MAX]; /* Index of the principal. */
    uint32_t count;
    bool is_dead; /* A line by one of them is under a key that is not valid at the index. */
};

/* A key that is known but not valid counts as little as one that is not known. */
static void collect(const struct weft_keyring *ring, const struct weft_note *note,
    const struct weft_principal *signers, uint32_t signer_count, uint64_t index,
    struct counting *ret_counting)
{
    ret_counting->count = 0;
    ret_counting->is_dead = false;
    for (uint32_t i = 0; i < note->signature_count; i++) {
        const struct weft_note_signature *line = &note->signatures[i];
        const struct weft_keyring_key *key = weft_keyring_find(ring, line->name, line->key_id);
        uint32_t who = 0;
        while (key != NULL && who < signer_count &&
               !weft_principal_equal(&key->principal, &signers[who])) {
            who++;
        }
        if (key == NULL || who == signer_count) {
            continue;
        }
        if (!weft_keyring_is_valid(key, index)) {
            ret_counting->is_dead = true;
            continue;
        }
        ret_counting->verifiers[ret_counting->count] = key->verifier;
        ret_counting->signers[ret_counting->count] = who;
        ret_counting->count++;
    }
}

/* A line that is there twice gives its verifier twice, of which the second has no mark. */
static enum weft_err count_signers(const struct weft_note *note, const struct counting *counting,
    uint32_t *ret_count, struct weft_msg *msg)
{
    struct weft_note_mark marks[WEFT_NOTE_SIGNATURES_MAX];
    uint32_t count = 0;
    if (counting->count > 0) {
        enum weft_err err =
            weft_note_verify(note, counting->verifiers, counting->count, marks, msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    for (uint32_t i = 0; i < counting->count; i++) {
        bool is_first = marks[i].is_signed;
        for (uint32_t k = 0; k < i && is_first; k++) {
            is_first = !marks[k].is_signed || counting->signers[k] != counting->signers[i];
        }
        count += is_first;
    }
    *ret_count = count;
    return WEFT_OK;
}

static enum weft_err check_class(
    enum weft_principal_class class, enum weft_document_kind kind, struct weft_msg *msg)
{
    return weft_keyring_may_sign(class, kind)
               ? WEFT_OK
               : weft_fail(msg, WEFT_EREFUSED, "a %s may not sign a document \"%s\"",
                     weft_principal_class_name(class), weft_document_kind_name(kind));
}

enum weft_err weft_keyring_verify(const struct weft_keyring *ring, const struct weft_note *note,
    enum weft_document_kind kind, const struct weft_principal *author, uint64_t index,
    struct weft_msg *msg)
{
    struct counting counting;
    uint32_t count = 0;
    char name[WEFT_PRINCIPAL_TEXT_SIZE];
    enum weft_err err = check_class(author->class, kind, msg);
    if (err == WEFT_OK) {
        collect(ring, note, author, 1, index, &counting);
        err = count_signers(note, &counting, &count, msg);
    }
    if (err != WEFT_OK || count > 0) {
        return err;
    }
    weft_principal_format(author, name);
    return counting.is_dead ? weft_fail(msg, WEFT_EREFUSED, "the key of %s is not valid at %llu",
                                  name, (unsigned long long)index)
                            : weft_fail(msg, WEFT_EPEER, "no signature by a known key of %s", name);
}

enum weft_err weft_keyring_count(const struct weft_keyring *ring, const struct weft_note *note,
    enum weft_document_kind kind, const struct weft_principal *signers, uint32_t signer_count,
    uint64_t index, uint32_t *ret_count, struct weft_msg *msg)
{
    struct counting counting;
    for (uint32_t i = 0; i < signer_count; i++) {
        enum weft_err err = check_class(signers[i].class, kind, msg);
        if (err != WEFT_OK) {
            return err;
        }
    }
    collect(ring, note, signers, signer_count, index, &counting);
    return count_signers(note, &counting, ret_count, msg);
}

/* --- text ------------------------------------------------------------------------------------ */

enum weft_err weft_keyring_encode(const struct weft_keyring *ring, struct weft_buffer *out)
{
    char who[WEFT_PRINCIPAL_TEXT_SIZE], vkey[WEFT_VKEY_TEXT_SIZE], until[24];
    enum weft_err err = WEFT_OK;
    for (uint32_t i = 0; err == WEFT_OK && i < ring->count; i++) {
        const struct weft_keyring_key *key = &ring->keys[i];
        weft_principal_format(&key->principal, who);
        weft_verifier_format(&key->verifier, vkey);
        (void)snprintf(until, sizeof(until), "%llu", (unsigned long long)key->until_index);
        err = weft_buffer_format(out, "key %llu %s %s %s\n", (unsigned long long)key->from_index,
            key->until_index == WEFT_KEYRING_FOR_EVER ? "-" : until, who, vkey);
    }
    return err;
}

/* The next word, of which `rest` is relieved; all of it if there is no space. */
static struct weft_text word(struct weft_text *rest)
{
    struct weft_text found;
    (void)weft_text_cut(rest, ' ', &found);
    return found;
}

static bool read_index(struct weft_text text, uint64_t *ret_index)
{
    return weft_text_exact_number(text, ret_index) && *ret_index != WEFT_KEYRING_FOR_EVER;
}

static enum weft_err read_key(const struct weft_document_reader *reader, struct weft_text value,
    struct weft_keyring_key *ret_key, struct weft_msg *msg)
{
    struct weft_text rest = value, from = word(&rest), until = word(&rest), who = word(&rest);
    struct weft_keyring_key key = {.until_index = WEFT_KEYRING_FOR_EVER};
    if (!read_index(from, &key.from_index) ||
        (!weft_text_is(until, "-") && !read_index(until, &key.until_index)) ||
        key.until_index < key.from_index) {
        return weft_document_fail(
            reader, msg, WEFT_EMALFORMED, "a key is valid from an index until another or \"-\"");
    }
    enum weft_err err = weft_principal_parse(who, &key.principal, msg);
    if (err == WEFT_OK) {
        err = weft_verifier_parse(rest, &key.verifier, msg);
    }
    if (err != WEFT_OK) {
        return weft_wrap(msg, err, "line %u", reader->line);
    }
    *ret_key = key;
    return WEFT_OK;
}

static enum weft_err decode_keys(
    struct weft_text text, struct weft_keyring *ring, struct weft_msg *msg)
{
    struct weft_document_reader reader = {.rest = text, .line = 0};
    while (reader.rest.size > 0) {
        struct weft_text value = {"", 0};
        struct weft_keyring_key key = {.from_index = 0};
        enum weft_err err = weft_document_read(&reader, "key", &value, msg);
        if (err == WEFT_OK) {
            err = read_key(&reader, value, &key, msg);
        }
        if (err != WEFT_OK) {
            return err;
        }
        const struct weft_keyring_key *last = ring->count > 0 ? &ring->keys[ring->count - 1] : NULL;
        if (last != NULL &&
            compare(last, weft_text_of(key.verifier.name), key.verifier.key_id) >= 0) {
            return weft_document_fail(&reader, msg, WEFT_EMALFORMED, "keys are not in order");
        }
        err = insert(ring, &key, msg);
        if (err != WEFT_OK) {
            return weft_wrap(msg, err, "line %u", reader.line);
        }
    }
    return WEFT_OK;
}

enum weft_err weft_keyring_decode(
    struct weft_text text, struct weft_keyring *ret_ring, struct weft_msg *msg)
{
    struct weft_keyring ring = {NULL, 0, 0};
    enum weft_err err = decode_keys(text, &ring, msg);
    if (err != WEFT_OK) {
        weft_keyring_destroy(&ring);
        return err;
    }
    *ret_ring = ring;
    return WEFT_OK;
}
