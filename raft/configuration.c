#include "raft/configuration.h"

#include <stdio.h>
#include <string.h>

enum {
    FORMAT_VERSION = 1
};

/* Printable ASCII without spaces: the text is joined with spaces, and shown to operators. */
static bool is_word(const char *text, size_t size_max)
{
    size_t size = strnlen(text, size_max + 1);
    if (size == 0 || size > size_max) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return true;
}

enum weft_err weft_configuration_format(const struct weft_replica_member *member,
    char ret_text[WEFT_CONFIGURATION_TEXT_SIZE], struct weft_msg *msg)
{
    if (!is_word(member->name, sizeof(member->name) - 1)) {
        return weft_fail(msg, WEFT_EINVAL, "member name is empty, too long or not plain text");
    }
    if (!is_word(member->peer_address, WEFT_ADDRESS_SIZE_MAX) ||
        !is_word(member->client_address, WEFT_ADDRESS_SIZE_MAX)) {
        return weft_fail(msg, WEFT_EINVAL,
            "member %s: an address is empty, too long or not plain text", member->name);
    }
    (void)snprintf(ret_text, WEFT_CONFIGURATION_TEXT_SIZE, "%s %s %s %s", member->name,
        member->peer_address, member->client_address, member->wants_vote ? "vote" : "novote");
    return WEFT_OK;
}

/* Cut the next word off `*text` into `word`. False: it is empty or does not fit. */
static bool take_word(const char **text, char *word, size_t size_max)
{
    const char *end = strchr(*text, ' ');
    size_t size = end != NULL ? (size_t)(end - *text) : strlen(*text);
    if (size > size_max) {
        return false;
    }
    memcpy(word, *text, size);
    word[size] = '\0';
    *text += size + (end != NULL ? 1 : 0);
    return is_word(word, size_max);
}

enum weft_err weft_configuration_parse(
    const char *text, struct weft_replica_member *ret_member, struct weft_msg *msg)
{
    struct weft_replica_member m = *ret_member;
    char vote[8];
    if (!take_word(&text, m.name, sizeof(m.name) - 1) ||
        !take_word(&text, m.peer_address, WEFT_ADDRESS_SIZE_MAX) ||
        !take_word(&text, m.client_address, WEFT_ADDRESS_SIZE_MAX) || strchr(text, ' ') != NULL ||
        !take_word(&text, vote, sizeof(vote) - 1)) {
        return weft_fail(msg, WEFT_EMALFORMED, "member text does not hold four words");
    }
    m.wants_vote = strcmp(vote, "vote") == 0;
    if (!m.wants_vote && strcmp(vote, "novote") != 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "member text ends with neither vote nor novote");
    }
    *ret_member = m;
    return WEFT_OK;
}

static void put64(uint8_t *to, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get64(const uint8_t *from)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)from[i] << (8 * i);
    }
    return value;
}

enum weft_err weft_configuration_encode(
    const struct weft_configuration *configuration, struct weft_buffer *out)
{
    uint8_t bytes[WEFT_CONFIGURATION_SIZE_MAX + 8] = {FORMAT_VERSION};
    size_t size = 1 + 8;
    if (configuration->count == 0 || configuration->count > WEFT_MEMBERS_MAX) {
        return WEFT_EINVAL;
    }
    put64(bytes + 1, configuration->count);
    for (uint32_t i = 0; i < configuration->count; i++) {
        const struct weft_replica_member *m = &configuration->members[i];
        char text[WEFT_CONFIGURATION_TEXT_SIZE];
        enum weft_err rv = weft_configuration_format(m, text, NULL);
        if (rv != WEFT_OK) {
            return rv;
        }
        put64(bytes + size, m->id);
        size += 8;
        size_t text_size = strlen(text) + 1;
        memcpy(bytes + size, text, text_size);
        size += text_size;
        bytes[size++] = (uint8_t)m->role;
    }
    size = (size + 7) / 8 * 8;
    return weft_buffer_append(out, bytes, size);
}

/* One member at *offset. */
static enum weft_err decode_member(struct weft_bytes bytes, size_t *offset,
    struct weft_replica_member *ret_member, struct weft_msg *msg)
{
    struct weft_replica_member m = {0};
    if (bytes.size - *offset < 8) {
        return weft_fail(msg, WEFT_EMALFORMED, "ends inside an id");
    }
    m.id = get64(bytes.data + *offset);
    *offset += 8;
    const char *text = (const char *)bytes.data + *offset;
    size_t left = bytes.size - *offset;
    size_t text_size = strnlen(text, left);
    if (text_size + 1 >= left || text_size >= WEFT_CONFIGURATION_TEXT_SIZE) {
        return weft_fail(msg, WEFT_EMALFORMED, "member text has no end");
    }
    enum weft_err rv = weft_configuration_parse(text, &m, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    uint8_t role = bytes.data[*offset + text_size + 1];
    if (m.id == 0 || role > WEFT_ROLE_SPARE) {
        return weft_fail(msg, WEFT_EMALFORMED, "bad id or role");
    }
    m.role = (enum weft_role)role;
    *offset += text_size + 2;
    *ret_member = m;
    return WEFT_OK;
}

static bool is_taken(
    const struct weft_configuration *configuration, const struct weft_replica_member *member)
{
    for (uint32_t i = 0; i < configuration->count; i++) {
        const struct weft_replica_member *m = &configuration->members[i];
        if (m->id == member->id || strcmp(m->name, member->name) == 0) {
            return true;
        }
    }
    return false;
}

enum weft_err weft_configuration_decode(
    struct weft_bytes bytes, struct weft_configuration *ret_configuration, struct weft_msg *msg)
{
    struct weft_configuration c = {0};
    if (bytes.size < 9 || bytes.size > WEFT_CONFIGURATION_SIZE_MAX || bytes.size % 8 != 0) {
        return weft_fail(msg, WEFT_EMALFORMED, "configuration: bad size");
    }
    if (bytes.data[0] != FORMAT_VERSION) {
        return weft_fail(msg, WEFT_EMALFORMED, "configuration: format %u", bytes.data[0]);
    }
    uint64_t count = get64(bytes.data + 1);
    size_t offset = 9;
    if (count == 0 || count > WEFT_MEMBERS_MAX) {
        return weft_fail(msg, WEFT_EMALFORMED, "configuration: bad number of members");
    }
    for (uint64_t i = 0; i < count; i++) {
        struct weft_replica_member m;
        enum weft_err rv = decode_member(bytes, &offset, &m, msg);
        if (rv != WEFT_OK) {
            return weft_wrap(msg, rv, "configuration: member %u", (unsigned)i);
        }
        if (is_taken(&c, &m)) {
            return weft_fail(msg, WEFT_EMALFORMED, "configuration: the same member twice");
        }
        c.members[c.count++] = m;
    }
    if (bytes.size - offset >= 8) {
        return weft_fail(msg, WEFT_EMALFORMED, "configuration: bytes after the last member");
    }
    for (; offset < bytes.size; offset++) {
        if (bytes.data[offset] != 0) {
            return weft_fail(msg, WEFT_EMALFORMED, "configuration: padding is not zero");
        }
    }
    *ret_configuration = c;
    return WEFT_OK;
}

const struct weft_replica_member *weft_configuration_find(
    const struct weft_configuration *configuration, uint64_t id)
{
    for (uint32_t i = 0; i < configuration->count; i++) {
        if (configuration->members[i].id == id) {
            return &configuration->members[i];
        }
    }
    return NULL;
}

uint32_t weft_configuration_voters(const struct weft_configuration *configuration)
{
    uint32_t voters = 0;
    for (uint32_t i = 0; i < configuration->count; i++) {
        voters += configuration->members[i].role == WEFT_ROLE_VOTER;
    }
    return voters;
}

bool weft_configuration_is_voter(const struct weft_configuration *configuration, uint64_t id)
{
    const struct weft_replica_member *m = weft_configuration_find(configuration, id);
    return m != NULL && m->role == WEFT_ROLE_VOTER;
}

bool weft_configuration_is_sole_voter(const struct weft_configuration *configuration, uint64_t id)
{
    return weft_configuration_voters(configuration) == 1 &&
           weft_configuration_is_voter(configuration, id);
}

enum weft_err weft_configuration_add(struct weft_configuration *configuration,
    const struct weft_replica_member *member, struct weft_msg *msg)
{
    char text[WEFT_CONFIGURATION_TEXT_SIZE];
    enum weft_err rv = weft_configuration_format(member, text, msg);
    if (rv != WEFT_OK) {
        return rv;
    }
    if (member->id == 0) {
        return weft_fail(msg, WEFT_EINVAL, "a member's id is not 0");
    }
    if (is_taken(configuration, member)) {
        return weft_fail(
            msg, WEFT_ESTATE, "there is a member of that id or name %s already", member->name);
    }
    if (configuration->count >= WEFT_MEMBERS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a group has at most %d members", WEFT_MEMBERS_MAX);
    }
    configuration->members[configuration->count++] = *member;
    return WEFT_OK;
}

enum weft_err weft_configuration_assign(struct weft_configuration *configuration, uint64_t id,
    enum weft_role role, bool wants_vote, struct weft_msg *msg)
{
    const struct weft_replica_member *found = weft_configuration_find(configuration, id);
    if (found == NULL) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no member has that id");
    }
    struct weft_replica_member *m = &configuration->members[found - configuration->members];
    if (m->role == role && m->wants_vote == wants_vote) {
        return weft_fail(msg, WEFT_ESTATE, "member %s has that role already", m->name);
    }
    if (role != WEFT_ROLE_VOTER && weft_configuration_is_sole_voter(configuration, id)) {
        return weft_fail(msg, WEFT_EREFUSED, "member %s is the last voter", m->name);
    }
    if (role == WEFT_ROLE_VOTER && m->role != WEFT_ROLE_VOTER &&
        weft_configuration_voters(configuration) >= WEFT_VOTERS_MAX) {
        return weft_fail(msg, WEFT_ETOOBIG, "a group has at most %d voters", WEFT_VOTERS_MAX);
    }
    m->role = role;
    m->wants_vote = wants_vote;
    return WEFT_OK;
}

enum weft_err weft_configuration_remove(
    struct weft_configuration *configuration, uint64_t id, struct weft_msg *msg)
{
    const struct weft_replica_member *found = weft_configuration_find(configuration, id);
    if (found == NULL) {
        return weft_fail(msg, WEFT_ENOTFOUND, "no member has that id");
    }
    if (weft_configuration_is_sole_voter(configuration, id)) {
        return weft_fail(msg, WEFT_EREFUSED, "member %s is the last voter", found->name);
    }
    size_t place = (size_t)(found - configuration->members);
    configuration->count--;
    memmove(&configuration->members[place], &configuration->members[place + 1],
        (configuration->count - place) * sizeof(configuration->members[0]));
    return WEFT_OK;
}
