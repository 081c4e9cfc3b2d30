#include "federation/cells/subject.h"

#include "proto/record.h"
#include "proto/statement.h"

enum {
    UUID_SIZE = 36, /* RFC 9562, 4: 8-4-4-4-12 hexadecimal digits */
};

struct weft_digest weft_subject_of(const struct weft_subject_name *name)
{
    return weft_statement_subject(name->authority, name->kind, name->key);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_like(struct weft_text text, const char *word)
{
    size_t size = strlen(word);
    if (text.size < size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (lower(text.data[i]) != word[i]) {
            return false;
        }
    }
    return true;
}

static struct weft_text last_segment(struct weft_text key)
{
    static const char marks[] = "/:";
    if (key.size > 3 && is_like((struct weft_text){key.data + key.size - 3, 3}, "n/a") &&
        strchr(marks, key.data[key.size - 4]) != NULL) {
        return (struct weft_text){key.data + key.size - 3, 3};
    }
    for (const char *mark = marks; *mark != '\0'; mark++) {
        for (size_t i = key.size; i > 0; i--) {
            if (key.data[i - 1] == *mark) {
                return (struct weft_text){key.data + i, key.size - i};
            }
        }
    }
    return key;
}

static bool is_placeholder(struct weft_text text)
{
    static const char *const words[] = {"n/a", "na", "n.a.", "nil", "none", "null", "unknown",
        "unk", "tbd", "tba", "not available"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (text.size == strlen(words[i]) && is_like(text, words[i])) {
            return true;
        }
    }
    /* One mark over and over: "-", "???", "0000", "xxx". */
    for (size_t i = 1; i < text.size; i++) {
        if (lower(text.data[i]) != lower(text.data[0])) {
            return false;
        }
    }
    return text.size > 0 && strchr("-?.*_#0x", lower(text.data[0])) != NULL;
}

enum weft_subject_fault weft_subject_key_fault(struct weft_text key)
{
    struct weft_text last = last_segment(key);
    if (key.size == 0 || last.size == 0) {
        return WEFT_SUBJECT_EMPTY;
    }
    if (!weft_asset_is_valid(key)) {
        return WEFT_SUBJECT_INVALID;
    }
    return is_placeholder(key) || is_placeholder(last) ? WEFT_SUBJECT_PLACEHOLDER
                                                       : WEFT_SUBJECT_SOUND;
}

static bool is_uuid(struct weft_text text)
{
    if (text.size != UUID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < UUID_SIZE; i++) {
        char c = lower(text.data[i]);
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (is_dash ? c != '-' : !is_digit) {
            return false;
        }
    }
    return true;
}

/* head and text, of which the first `folded` bytes in lower case. */
static struct weft_text spell(
    const char *head, struct weft_text text, size_t folded, char ret_key[WEFT_SUBJECT_KEY_SIZE])
{
    size_t size = strlen(head);
    memcpy(ret_key, head, size);
    for (size_t i = 0; i < text.size; i++) {
        ret_key[size++] = i < folded ? lower(text.data[i]) : text.data[i];
    }
    ret_key[size] = '\0';
    return (struct weft_text){ret_key, size};
}

/* "no-serial/" and the digest in hexadecimal. */
static struct weft_text spell_unidentified(
    const struct weft_digest *statement, char ret_key[WEFT_SUBJECT_KEY_SIZE])
{
    char text[WEFT_DIGEST_TEXT_SIZE];
    weft_digest_format(statement, text);
    return spell("no-serial/", weft_text_of(strchr(text, ':') + 1), 0, ret_key);
}

enum weft_subject_place weft_subject_admit(struct weft_text authority, struct weft_text kind,
    struct weft_text key, bool has_serial, const struct weft_digest *statement,
    char ret_key[WEFT_SUBJECT_KEY_SIZE], struct weft_subject_name *ret_name)
{
    static const char uuid_head[] = "urn:uuid:", epc_head[] = "urn:epc:";
    const size_t uuid_size = sizeof(uuid_head) - 1;
    enum weft_subject_fault fault = weft_subject_key_fault(key);
    if (fault == WEFT_SUBJECT_INVALID || !weft_name_is_valid(kind) || authority.size == 0 ||
        !weft_asset_is_valid(authority)) {
        return WEFT_SUBJECT_TO_QUARANTINE;
    }
    if (fault != WEFT_SUBJECT_SOUND || !has_serial) {
        /* A key that is sound was made for this one component: what else is said of it by that
         * name belongs to it. */
        *ret_name = (struct weft_subject_name){authority, kind,
            fault == WEFT_SUBJECT_SOUND ? spell("", key, 0, ret_key)
                                        : spell_unidentified(statement, ret_key)};
        return WEFT_SUBJECT_TO_CONFIRM;
    }
    struct weft_text bare = key;
    if (is_like(key, uuid_head)) {
        bare = (struct weft_text){key.data + uuid_size, key.size - uuid_size};
    }
    if (is_uuid(bare)) {
        *ret_name = (struct weft_subject_name){
            WEFT_TEXT(""), WEFT_TEXT("uuid"), spell(uuid_head, bare, bare.size, ret_key)};
    } else if (is_like(key, epc_head)) {
        *ret_name = (struct weft_subject_name){
            WEFT_TEXT(""), WEFT_TEXT("epc"), spell("", key, sizeof(epc_head) - 1, ret_key)};
    } else {
        *ret_name = (struct weft_subject_name){authority, kind, spell("", key, 0, ret_key)};
    }
    return WEFT_SUBJECT_TO_CELL;
}
