#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/base64.h"
#include "policy/document.h"
#include "policy/merkle.h"
#include "policy/note.h"
#include "policy/together.h"
#include "tests/lib/signers.h"
#include "tests/lib/test.h"

#define GATEWAY "oem.example/plant1/gw/gw1"

enum {
    LARGEST = WEFT_TOGETHER_TEXTS_MAX
};

static char bodies[LARGEST][40];

/* Notes of `count` texts, signed together. */
static void sign(uint32_t count, struct weft_buffer notes[LARGEST])
{
    struct weft_text texts[LARGEST];
    struct weft_signer signer = signers_make(GATEWAY);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(bodies[i], sizeof(bodies[i]), "receipt\n%u of %u\n", i, count);
        texts[i] = weft_text_of(bodies[i]);
        notes[i] = (struct weft_buffer){0};
    }
    EXPECT_EQ(WEFT_OK, weft_together_sign(texts, count, &signer, notes, NULL));
}

static void destroy(uint32_t count, struct weft_buffer notes[LARGEST])
{
    for (uint32_t i = 0; i < count; i++) {
        weft_buffer_destroy(&notes[i]);
    }
}

static enum weft_err verify(struct weft_together *together, struct weft_text bytes)
{
    struct weft_note note;
    struct weft_note_mark mark = {.is_signed = false};
    static struct weft_verifier verifier; /* To make a key takes longer than to verify. */
    if (verifier.name[0] == '\0') {
        verifier = signers_make(GATEWAY).verifier;
    }
    enum weft_err err = weft_note_parse(bytes, &note, NULL);
    if (err == WEFT_OK) {
        note.together = together;
        err = weft_note_verify(&note, &verifier, 1, &mark, NULL);
        EXPECT_EQ(err == WEFT_OK, mark.is_signed);
    }
    return err;
}

/* The bytes of a note's only signature line, key id and all. */
static size_t raw_of(const struct weft_buffer *bytes, uint8_t raw[4 + WEFT_TOGETHER_SIZE_MAX])
{
    struct weft_note note = signers_parse(bytes);
    size_t size = 0;
    EXPECT_EQ(WEFT_OK,
        weft_base64_parse(note.signatures[0].encoded, raw, 4 + WEFT_TOGETHER_SIZE_MAX, &size));
    return size;
}

static struct weft_buffer note_with(const char *body, const uint8_t *raw, size_t size)
{
    struct weft_buffer note = {0};
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&note, "%s\n\xe2\x80\x94 %s ", body, GATEWAY));
    EXPECT_EQ(WEFT_OK, weft_base64_append(&note, raw, size));
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&note, "\n"));
    return note;
}

TEST(together, each_of_any_number_verifies_and_one_signature_is_verified_for_all)
{
    for (uint32_t count = 1; count <= LARGEST; count++) {
        struct weft_buffer notes[LARGEST];
        struct weft_together *together = calloc(1, sizeof(*together));
        sign(count, notes);
        for (uint32_t i = 0; i < count; i++) {
            EXPECT_EQ(WEFT_OK, verify(together, weft_buffer_as_text(&notes[i]))); /* POL-71 */
        }
        EXPECT_EQ(count > 1, together->verified);
        EXPECT_EQ(count - 1, together->known);
        for (uint32_t i = 0; i < count; i++) { /* By itself, and where it does not count. */
            *together = (struct weft_together){.verified = 0};
            EXPECT_EQ(WEFT_OK, verify(together, weft_buffer_as_text(&notes[i])));
            EXPECT_EQ(count > 1, together->verified);
            EXPECT_EQ(
                count > 1 ? WEFT_EBADSIG : WEFT_OK, verify(NULL, weft_buffer_as_text(&notes[i])));
        }
        free(together);
        destroy(count, notes);
    }
}

/* What the header says is signed, by other means: a tree that grows, and a plain signature. */
TEST(together, what_is_signed_is_the_root_under_the_name_and_the_number)
{
    enum {
        COUNT = 11
    };
    struct weft_buffer notes[LARGEST];
    struct weft_merkle_range range = {.size = 0};
    struct weft_signer signer = signers_make(GATEWAY);
    uint8_t raw[4 + WEFT_TOGETHER_SIZE_MAX], signature[WEFT_ED25519_SIGNATURE_SIZE];
    char root[WEFT_MERKLE_TEXT_SIZE], head[200];
    sign(COUNT, notes);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct weft_digest leaf = weft_merkle_leaf(bodies[i], strlen(bodies[i]));
        EXPECT_EQ(WEFT_OK, weft_merkle_append(&range, &leaf));
    }
    struct weft_digest hash = weft_merkle_root(&range);
    weft_merkle_format(&hash, root);
    (void)snprintf(
        head, sizeof(head), "weft-together/v1\nkey %s\ntexts 11\nroot %s\n", GATEWAY, root);
    EXPECT_EQ(
        WEFT_OK, weft_ed25519_sign(&signer.pair,
                     (struct weft_bytes){(const uint8_t *)head, strlen(head)}, signature, NULL));
    for (uint32_t i = 0; i < COUNT; i++) {
        EXPECT_EQ(4 + 66 + 32 * weft_merkle_inclusion_count(i, COUNT), raw_of(&notes[i], raw));
        EXPECT_MEM(signature, raw + 4, sizeof(signature));
        EXPECT_EQ(i, raw[4 + 64]);
        EXPECT_EQ(COUNT, raw[4 + 65]);
    }
    destroy(COUNT, notes);
}

/* Also by who has seen the signature: what is remembered is the head, and not the note. */
TEST(together, every_single_bit_that_is_changed_is_refused)
{
    static const uint32_t counts[] = {2, 5};
    for (size_t k = 0; k < sizeof(counts) / sizeof(counts[0]); k++) {
        struct weft_buffer notes[LARGEST];
        struct weft_together *together = calloc(2, sizeof(*together));
        sign(counts[k], notes);
        for (uint32_t i = 0; i < counts[k]; i++) {
            struct weft_buffer *note = &notes[i];
            EXPECT_EQ(WEFT_OK, verify(&together[0], weft_buffer_as_text(note)));
            for (size_t bit = 0; bit < 8 * note->size; bit++) {
                note->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
                EXPECT_TRUE(verify(&together[0], weft_buffer_as_text(note)) != WEFT_OK);
                EXPECT_TRUE(verify(&together[1], weft_buffer_as_text(note)) != WEFT_OK);
                note->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            EXPECT_EQ(0, together[1].known); /* Nothing is remembered of what does not verify. */
        }
        free(together);
        destroy(counts[k], notes);
    }
}

/* Bits of the bytes themselves too, which base64 does not have all. */
TEST(together, no_other_place_number_path_or_size_is_taken)
{
    enum {
        COUNT = 6
    };
    struct weft_buffer notes[LARGEST];
    struct weft_together *together = calloc(1, sizeof(*together));
    sign(COUNT, notes);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t raw[4 + WEFT_TOGETHER_SIZE_MAX + 1] = {0};
        size_t size = raw_of(&notes[i], raw);
        for (unsigned index = 0; index < 80; index++) {
            for (unsigned count = 0; count < 80; count++) {
                raw[68] = (uint8_t)index;
                raw[69] = (uint8_t)count;
                struct weft_buffer other = note_with(bodies[i], raw, size);
                EXPECT_EQ(index == i && count == COUNT ? WEFT_OK : WEFT_EBADSIG,
                    verify(together, weft_buffer_as_text(&other)));
                weft_buffer_destroy(&other);
            }
        }
        raw[68] = (uint8_t)i;
        raw[69] = COUNT;
        for (size_t less = 5; less <= sizeof(raw); less++) {
            struct weft_buffer other = note_with(bodies[i], raw, less);
            EXPECT_EQ(less == size ? WEFT_OK : WEFT_EBADSIG,
                verify(together, weft_buffer_as_text(&other)));
            weft_buffer_destroy(&other);
        }
        for (uint32_t j = 0; j < COUNT; j++) { /* The line of one under the text of another. */
            struct weft_buffer other = note_with(bodies[j], raw, size);
            EXPECT_EQ(
                i == j ? WEFT_OK : WEFT_EBADSIG, verify(together, weft_buffer_as_text(&other)));
            weft_buffer_destroy(&other);
        }
    }
    free(together);
    destroy(COUNT, notes);
}

/* What was seen counts for its key, its name and its head, and for nothing else. */
TEST(together, signature_of_another_key_is_not_known_by_that_of_the_first)
{
    struct weft_buffer notes[LARGEST];
    struct weft_together *together = calloc(1, sizeof(*together));
    struct weft_signer other = signers_make_other(GATEWAY);
    uint8_t raw[4 + WEFT_TOGETHER_SIZE_MAX];
    sign(3, notes);
    EXPECT_EQ(WEFT_OK, verify(together, weft_buffer_as_text(&notes[0])));
    size_t size = raw_of(&notes[1], raw);
    EXPECT_EQ(WEFT_EBADSIG, weft_together_verify(together, weft_text_of(bodies[1]), &other.verifier,
                                (struct weft_bytes){raw + 4, size - 4}, NULL));
    struct weft_verifier renamed = signers_make(GATEWAY).verifier;
    renamed.name[0] ^= 1;
    EXPECT_EQ(WEFT_EBADSIG, weft_together_verify(together, weft_text_of(bodies[1]), &renamed,
                                (struct weft_bytes){raw + 4, size - 4}, NULL));
    free(together);
    destroy(3, notes);
}

TEST(together, what_cannot_be_signed_leaves_everything_as_it_was)
{
    struct weft_text texts[LARGEST + 1] = {WEFT_TEXT("good\n"), WEFT_TEXT("no newline")};
    struct weft_signer signer = signers_make(GATEWAY);
    struct weft_buffer notes[2] = {{0}, {0}};
    EXPECT_EQ(WEFT_OK, weft_buffer_format(&notes[0], "before"));
    EXPECT_EQ(WEFT_EMALFORMED, weft_together_sign(texts, 2, &signer, notes, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_together_sign(texts, 0, &signer, notes, NULL));
    EXPECT_EQ(WEFT_EINVAL, weft_together_sign(texts, LARGEST + 1, &signer, notes, NULL));
    EXPECT_EQ(6, notes[0].size);
    EXPECT_EQ(0, notes[1].size);
    weft_buffer_destroy(&notes[0]);
}

/* A head is no document, so nobody takes it for one that the key signed. */
TEST(together, head_is_no_document)
{
    struct weft_document_reader reader;
    for (int kind = 0; kind < WEFT_DOCUMENT_KINDS; kind++) {
        EXPECT_TRUE(weft_document_open(WEFT_TEXT("weft-together/v1\nkey a\n"),
                        (enum weft_document_kind)kind, &reader, NULL) != WEFT_OK);
    }
}
