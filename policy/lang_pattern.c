#include <string.h>

#include "policy/lang.h"
#include "proto/check.h"

/* With at most one star a pattern is a beginning and an end: no backtracking, so that a pattern
 * costs no more than the bytes it is held against. */
bool weft_lang_segment_matches(struct weft_text pattern, struct weft_text segment)
{
    const char *star = pattern.size > 0 ? memchr(pattern.data, '*', pattern.size) : NULL;
    if (star == NULL) {
        return weft_text_equal(pattern, segment);
    }
    size_t before = (size_t)(star - pattern.data);
    size_t behind = pattern.size - before - 1;
    return segment.size >= before + behind &&
           (before == 0 || memcmp(segment.data, pattern.data, before) == 0) &&
           (behind == 0 || memcmp(segment.data + segment.size - behind, star + 1, behind) == 0);
}

bool weft_lang_is_below(struct weft_text above, struct weft_text text)
{
    if (above.size == 0) {
        return true;
    }
    return text.size >= above.size && memcmp(text.data, above.data, above.size) == 0 &&
           (text.size == above.size || text.data[above.size] == '/');
}

bool weft_lang_pattern_matches(const struct weft_lang_pattern *pattern, struct weft_text text)
{
    if (!pattern->has_star) {
        return pattern->is_subtree ? weft_lang_is_below(pattern->text, text)
                                   : weft_text_equal(pattern->text, text);
    }
    struct weft_text rest_pattern = pattern->text;
    struct weft_text rest = text;
    struct weft_text wanted, segment;
    while (weft_lang_trie_segment(&rest_pattern, &wanted)) {
        if (!weft_lang_trie_segment(&rest, &segment) ||
            !weft_lang_segment_matches(wanted, segment)) {
            return false;
        }
    }
    return pattern->is_subtree || !weft_lang_trie_segment(&rest, &segment);
}

static const char *check_segments(struct weft_text text)
{
    struct weft_text segment;
    while (weft_lang_trie_segment(&text, &segment)) {
        if (weft_text_is(segment, "...")) {
            return "\"...\" at the end alone, behind a '/'";
        }
        const char *star = segment.size > 0 ? memchr(segment.data, '*', segment.size) : NULL;
        size_t before = star != NULL ? (size_t)(star - segment.data) + 1 : segment.size;
        if (before < segment.size && memchr(star + 1, '*', segment.size - before) != NULL) {
            return "at most one '*' in a segment";
        }
    }
    return NULL;
}

const char *weft_lang_pattern_parse(
    struct weft_text text, bool may_have_below, struct weft_lang_pattern *ret_pattern)
{
    struct weft_lang_pattern p = {.text = text};
    if (text.size == 0) {
        return "at least one byte";
    }
    if (text.size > WEFT_ASSET_SIZE_MAX) {
        return "at most 255 bytes";
    }
    if (weft_text_is(text, "...")) {
        p = (struct weft_lang_pattern){.text = {text.data, 0}, .is_subtree = true};
    } else if (text.size > 4 && memcmp(text.data + text.size - 4, "/...", 4) == 0) {
        p = (struct weft_lang_pattern){.text = {text.data, text.size - 4}, .is_subtree = true};
    }
    if (p.is_subtree && !may_have_below) {
        return "no \"...\": only assets and fields have something below them";
    }
    if (p.text.size > 0) {
        const char *wrong = check_segments(p.text);
        if (wrong != NULL) {
            return wrong;
        }
        p.has_star = memchr(p.text.data, '*', p.text.size) != NULL;
    }
    *ret_pattern = p;
    return NULL;
}
