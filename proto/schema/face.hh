// proto/schema/face.hh: what stands behind proto/schema/face.h, over Google's C++ runtime.
//
// Included once, by the translation unit that face.py writes. Nothing is thrown out of here:
// the builder's failed allocation becomes WEFT_ENOMEM.
#ifndef WEFT_PROTO_SCHEMA_FACE_HH
#define WEFT_PROTO_SCHEMA_FACE_HH

#include <algorithm>
#include <cstring>
#include <new>
#include <vector>

#include <flatbuffers/flatbuffers.h>

#define _Static_assert static_assert // C11's spelling, in the limits
#include "proto/limits.h"
#undef _Static_assert
#include "proto/schema/face.h"

namespace face
{

// From here on bytes are not copied into the builder but left out and copied into the finished
// message, so that a large entry or chunk is moved once. Chosen: four cache lines cost as much
// as the bookkeeping.
constexpr size_t gap_size_min = 256;

struct gap {
    size_t end_offset; // of its first byte, counted from the end of the message
    const uint8_t *data;
    size_t size;
};

// A text that may be met again, in the slot of its hash until another one takes it.
struct shared {
    uint64_t message; // the builder's number of the message that it stands in
    uint64_t hash;
    flatbuffers::uoffset_t offset;
};

constexpr size_t shared_slots = 1024;  // chosen: 24 KB
constexpr size_t shared_size_max = 96; // chosen: longer ones are rarely met again

} // namespace face

struct weft_wire_builder {
    flatbuffers::FlatBufferBuilder buffer{1024};
    std::vector<flatbuffers::Offset<void>> refs;
    std::vector<face::gap> gaps;
    face::shared shared[face::shared_slots] = {};
    uint64_t message = 0;
    size_t shared_size = 0; // what sharing has saved
    bool is_sharing = false;
    size_t size_max = 0;
    enum weft_err err = WEFT_OK;
};

namespace face
{

// `write` may take up to `more` bytes besides padding.
template <typename Write> weft_wire_ref guard(weft_wire_builder *b, size_t more, Write write)
{
    if (b->err != WEFT_OK) {
        return {0};
    }
    if (more > b->size_max || b->buffer.GetSize() + b->shared_size > b->size_max - more) {
        b->err = WEFT_ETOOBIG;
        return {0};
    }
    try {
        return {write()};
    } catch (const std::bad_alloc &) {
        b->err = WEFT_ENOMEM;
        return {0};
    }
}

// Of size, beginning, middle and end: names that differ, differ there as a rule, and where they
// do not, one of them is written again.
inline uint64_t hash_of(weft_text text)
{
    uint64_t words[3] = {0, 0, 0};
    if (text.size < sizeof(words[0])) {
        std::memcpy(&words[0], text.data, text.size);
    } else {
        size_t end = text.size - sizeof(words[0]);
        std::memcpy(&words[0], text.data, sizeof(words[0]));
        std::memcpy(&words[1], text.data + end / 2, sizeof(words[0]));
        std::memcpy(&words[2], text.data + end, sizeof(words[0]));
    }
    auto product = static_cast<unsigned __int128>(words[0] ^ text.size ^ 0x9e3779b97f4a7c15u) *
                   (words[1] * 0xd6e8feb86659fd93u ^ words[2] ^ 0xa0761d6478bd642fu);
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline bool is_text_at(const weft_wire_builder *b, flatbuffers::uoffset_t offset, weft_text text)
{
    const uint8_t *p = b->buffer.GetCurrentBufferPointer() + b->buffer.GetSize() - offset;
    return flatbuffers::ReadScalar<flatbuffers::uoffset_t>(p) == text.size &&
           std::memcmp(p + sizeof(flatbuffers::uoffset_t), text.data, text.size) == 0;
}

inline weft_wire_ref write_text(weft_wire_builder *b, weft_text text)
{
    return guard(b, text.size, [&] { return b->buffer.CreateString(text.data, text.size).o; });
}

inline weft_wire_ref share_text(weft_wire_builder *b, weft_text text)
{
    uint64_t hash = hash_of(text);
    shared *s = &b->shared[hash % shared_slots];
    if (b->err == WEFT_OK && s->message == b->message && s->hash == hash &&
        is_text_at(b, s->offset, text)) {
        b->shared_size += sizeof(flatbuffers::uoffset_t) + text.size;
        return {s->offset};
    }
    weft_wire_ref ref = write_text(b, text);
    *s = {b->message, hash, ref.offset};
    return ref;
}

// The root table of a message whose every offset was checked, or nullptr.
template <typename Table> const void *open(weft_bytes bytes, const char *identifier)
{
    flatbuffers::Verifier::Options options;
    options.max_depth = WEFT_MESSAGE_DEPTH_MAX;
    options.max_tables = WEFT_MESSAGE_TABLES_MAX;
    // Nested messages are opened by their own codec, which knows their limits.
    options.check_nested_flatbuffers = false;
    if (bytes.size > WEFT_MESSAGE_SIZE_MAX) {
        return nullptr;
    }
    flatbuffers::Verifier verifier(bytes.data, bytes.size, options);
    return verifier.VerifyBuffer<Table>(identifier) ? flatbuffers::GetRoot<Table>(bytes.data)
                                                    : nullptr;
}

// Size of the finished message; 0 after a failure.
inline size_t finish(weft_wire_builder *b, weft_wire_ref root, const char *identifier)
{
    guard(b, 0, [&] {
        b->buffer.Finish(flatbuffers::Offset<void>(root.offset), identifier);
        return 0u;
    });
    return b->err == WEFT_OK ? b->buffer.GetSize() : 0;
}

// The finished message with its gaps filled. Gaps were left from the end to the start.
inline void copy(const weft_wire_builder *b, uint8_t *to)
{
    const uint8_t *from = b->buffer.GetBufferPointer();
    size_t size = b->buffer.GetSize(), done = 0;
    for (auto gap = b->gaps.rbegin(); gap != b->gaps.rend(); ++gap) {
        size_t start = size - gap->end_offset;
        std::memcpy(to + done, from + done, start - done);
        std::memcpy(to + start, gap->data, gap->size);
        done = start + gap->size;
    }
    std::memcpy(to + done, from + done, size - done);
}

// An absent text is an empty one, not a null pointer: it may be handed to memcmp and added to.
inline weft_text view(const flatbuffers::String *s)
{
    return s != nullptr ? weft_text{s->c_str(), s->size()} : weft_text{"", 0};
}

inline weft_bytes view(const flatbuffers::Vector<uint8_t> *v)
{
    return v != nullptr ? weft_bytes{v->data(), v->size()} : weft_bytes{nullptr, 0};
}

template <typename Table>
weft_wire_vector view(const flatbuffers::Vector<flatbuffers::Offset<Table>> *v)
{
    return v != nullptr ? weft_wire_vector{v, v->size()} : weft_wire_vector{nullptr, 0};
}

} // namespace face

extern "C" {

const void *weft_wire_at(weft_wire_vector vector, uint32_t index)
{
    using tables = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::Table>>;
    return static_cast<const tables *>(vector.data)->Get(index);
}

weft_wire_builder *weft_wire_begin(weft_wire_slot slot, size_t size_max)
{
    static thread_local weft_wire_builder builders[WEFT_WIRE_SLOTS];
    weft_wire_builder *b = &builders[slot];
    if (b->err == WEFT_ENOMEM) {
        b->buffer.Reset(); // A failed growth leaves it inconsistent.
    } else {
        b->buffer.Clear();
    }
    b->buffer.Align(8); // The message is a multiple of 8 whatever is in it.
    b->refs.clear();
    b->gaps.clear();
    b->message++;
    b->shared_size = 0;
    b->is_sharing = false;
    b->size_max = size_max;
    b->err = WEFT_OK;
    return b;
}

void weft_wire_fail(weft_wire_builder *b, weft_err err)
{
    if (b->err == WEFT_OK) {
        b->err = err;
    }
}

void weft_wire_share(weft_wire_builder *b)
{
    b->is_sharing = true;
}

weft_wire_ref weft_wire_text(weft_wire_builder *b, weft_text text)
{
    if (text.size == 0) {
        return {0};
    }
    return b->is_sharing && text.size <= face::shared_size_max ? face::share_text(b, text)
                                                               : face::write_text(b, text);
}

weft_wire_ref weft_wire_bytes(weft_wire_builder *b, weft_bytes bytes)
{
    if (bytes.size == 0) {
        return {0};
    }
    return face::guard(b, bytes.size, [&] {
        uint8_t *place;
        b->buffer.ForceVectorAlignment(bytes.size, 1, 8);
        auto offset = b->buffer.CreateUninitializedVector(bytes.size, 1, &place);
        if (bytes.size < face::gap_size_min) {
            std::memcpy(place, bytes.data, bytes.size);
        } else {
            b->gaps.push_back({offset - sizeof(flatbuffers::uoffset_t), bytes.data, bytes.size});
        }
        return offset;
    });
}

size_t weft_wire_mark(const weft_wire_builder *b)
{
    return b->refs.size();
}

void weft_wire_push(weft_wire_builder *b, weft_wire_ref table)
{
    face::guard(b, 0, [&] {
        b->refs.push_back(flatbuffers::Offset<void>(table.offset));
        return 0u;
    });
}

weft_wire_ref weft_wire_take(weft_wire_builder *b, size_t mark)
{
    if (b->refs.size() <= mark) {
        return {0};
    }
    size_t count = b->refs.size() - mark;
    weft_wire_ref ref = face::guard(b, count * sizeof(flatbuffers::uoffset_t),
        [&] { return b->buffer.CreateVector(b->refs.data() + mark, count).o; });
    b->refs.resize(mark);
    return ref;
}

weft_wire_ref weft_wire_nest(weft_wire_builder *b, weft_wire_builder *nested, weft_wire_ref root)
{
    size_t size = face::finish(nested, root, nullptr);
    if (nested->err != WEFT_OK) {
        weft_wire_fail(b, nested->err);
    }
    return face::guard(b, size, [&] {
        uint8_t *place;
        b->buffer.ForceVectorAlignment(size, 1, 8);
        auto offset = b->buffer.CreateUninitializedVector(size, 1, &place);
        face::copy(nested, place);
        return offset;
    });
}

weft_err weft_wire_finish(weft_wire_builder *b, weft_wire_ref root, const char *identifier,
    size_t front, weft_buffer *out)
{
    size_t size = front + face::finish(b, root, identifier);
    if (b->err == WEFT_OK && size + b->shared_size > b->size_max) {
        b->err = WEFT_ETOOBIG;
    }
    weft_err err = b->err == WEFT_OK ? weft_buffer_reserve(out, size) : b->err;
    if (err == WEFT_OK) {
        face::copy(b, out->data + out->size + front);
        out->size += size;
    }
    return err;
}

} // extern "C"

#endif
