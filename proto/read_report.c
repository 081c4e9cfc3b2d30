#include "proto/read_report.h"

#include "proto/arith.h"
#include "proto/check.h"

static struct weft_text name_of(const struct weft_read_count *count)
{
    return (struct weft_text){count->label, count->size};
}

bool weft_read_label_is_valid(struct weft_text label)
{
    bool is_valid = label.size >= 1 && label.size <= WEFT_READ_LABEL_SIZE_MAX;
    for (size_t i = 0; is_valid && i < label.size; i++) {
        char c = label.data[i];
        bool is_alphanumeric = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        is_valid = is_alphanumeric || (i > 0 && (c == '.' || c == '-'));
    }
    return is_valid;
}

/* Below 0, 0, above 0: by bytes, and a prefix is below what it begins. */
static int compare(struct weft_text a, struct weft_text b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool weft_read_report_add(struct weft_read_report *report, struct weft_text label, uint64_t records)
{
    uint32_t at = 0;
    weft_assert(weft_read_label_is_valid(label)); /* PRO-160 */
    while (at < report->count && compare(name_of(&report->labels[at]), label) < 0) {
        at++;
    }
    struct weft_read_count *count = &report->labels[at];
    if (at < report->count && weft_text_equal(name_of(count), label)) {
        if (!weft_add_u64(count->records, records, &count->records)) {
            count->records = UINT64_MAX;
        }
        return true;
    }
    if (records == 0 || report->count == WEFT_READ_LABELS_MAX) {
        return records == 0;
    }
    memmove(count + 1, count, (report->count - at) * sizeof(*count));
    count->records = records;
    count->size = (uint8_t)label.size;
    memcpy(count->label, label.data, label.size);
    report->count++;
    return true;
}

bool weft_read_report_merge(struct weft_read_report *report, const struct weft_read_report *other)
{
    struct weft_read_report sum = *report;
    for (uint32_t i = 0; i < other->count; i++) {
        if (!weft_read_report_add(&sum, name_of(&other->labels[i]), other->labels[i].records)) {
            return false;
        }
    }
    *report = sum;
    return true;
}

enum weft_err weft_read_report_encode(
    const struct weft_read_report *report, struct weft_buffer *out)
{
    uint8_t bytes[WEFT_READ_REPORT_SIZE_MAX];
    size_t size = 2;
    weft_assert(report->count >= 1 && report->count <= WEFT_READ_LABELS_MAX); /* PRO-160 */
    bytes[0] = (uint8_t)report->act;
    bytes[1] = (uint8_t)report->count;
    for (uint32_t i = 0; i < report->count; i++) {
        const struct weft_read_count *count = &report->labels[i];
        bytes[size++] = count->size;
        memcpy(bytes + size, count->label, count->size);
        weft_put_be64(bytes + size + count->size, count->records);
        size += count->size + (size_t)8;
    }
    return weft_buffer_append(out, bytes, size);
}

enum weft_err weft_read_report_decode(struct weft_bytes bytes, struct weft_read_report *ret_report)
{
    struct weft_read_report *r = ret_report;
    size_t at = 2;
    r->count = 0;
    if (bytes.size < 2 ||
        (bytes.data[0] != WEFT_READ_ACT_READ && bytes.data[0] != WEFT_READ_ACT_SUBSCRIBE) ||
        bytes.data[1] < 1 || bytes.data[1] > WEFT_READ_LABELS_MAX) {
        return WEFT_EMALFORMED;
    }
    r->act = (enum weft_read_act)bytes.data[0];
    for (uint32_t i = 0; i < bytes.data[1]; i++) {
        size_t size = at < bytes.size ? bytes.data[at] : 0;
        if (bytes.size - at < 1 + size + 8) {
            return WEFT_EMALFORMED;
        }
        struct weft_text label = {(const char *)bytes.data + at + 1, size};
        uint64_t records = weft_get_be64(bytes.data + at + 1 + size);
        if (!weft_read_label_is_valid(label) || records == 0 ||
            (i > 0 && compare(name_of(&r->labels[i - 1]), label) >= 0)) {
            return WEFT_EMALFORMED;
        }
        r->labels[i].records = records;
        r->labels[i].size = (uint8_t)size;
        memcpy(r->labels[i].label, label.data, size);
        at += 1 + size + 8;
    }
    r->count = bytes.data[1];
    return at == bytes.size ? WEFT_OK : WEFT_EMALFORMED;
}
