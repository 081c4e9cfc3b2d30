/* tests/lib/sample.h: random messages of every kind, and their fields as JSON.
 *
 * Samples obey every rule, so they encode, decode and pass weft_record_check; sizes are mostly
 * small, now and then at a limit. The JSON names fields as the schemas do and holds every one
 * of them; bytes are {"hex": "..."}, a nested message {"nested": {...}}. Two messages are equal
 * if their JSON is; proto.foreign_reader holds the same JSON against another implementation. */
#ifndef WEFT_TESTS_LIB_SAMPLE_H
#define WEFT_TESTS_LIB_SAMPLE_H

#include "proto/checkpoint.h"
#include "proto/client.h"
#include "proto/entry.h"
#include "proto/peer.h"

struct sample {
    uint64_t state; /* Any number: the seed. */
    struct weft_arena *arena;
};

/* All kinds of a door, ended by 0. */
extern const enum weft_message_kind sample_peer_kinds[];
extern const enum weft_message_kind sample_client_kinds[];

/* Uniform in [0, bound); bound 0: any number. */
uint64_t sample_random(struct sample *s, uint64_t bound);
struct weft_bytes sample_bytes(struct sample *s, size_t size_max);
/* UTF-8 of characters of all lengths, without zero, 0 to size_max bytes. */
struct weft_text sample_text(struct sample *s, size_t size_max);

void sample_record(struct sample *s, struct weft_record *ret_record);
/* As answers hold them: stored, with author and at. */
void sample_packed_records(struct sample *s, struct weft_packed *ret_packed);
void sample_commit(struct sample *s, struct weft_commit *ret_commit);
void sample_manifest(struct sample *s, struct weft_manifest *ret_manifest);
void sample_peer(
    struct sample *s, enum weft_message_kind kind, struct weft_peer_message *ret_message);
void sample_client(
    struct sample *s, enum weft_message_kind kind, struct weft_client_message *ret_message);
/* A sealed batch of commits and digest markers; replaces what is in `out`. */
void sample_entry(struct sample *s, struct weft_buffer *out);

/* Append JSON to `out`. They stop the program without memory. */
void sample_record_json(const struct weft_record *record, struct weft_buffer *out);
void sample_commit_json(const struct weft_commit *commit, struct weft_buffer *out);
void sample_manifest_json(const struct weft_manifest *manifest, struct weft_buffer *out);
void sample_peer_json(const struct weft_peer_message *message, struct weft_buffer *out);
void sample_client_json(const struct weft_client_message *message, struct weft_buffer *out);

#endif
