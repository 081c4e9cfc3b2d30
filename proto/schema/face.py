#!/usr/bin/python3
"""Write the C face of FlatBuffers schemas over the C++ that flatc generates.

    flatc --cpp -b --schema --bfbs-builtins x.fbs     # x_generated.h, x.bfbs
    face.py OUT x.bfbs y.bfbs                         # OUT.h, OUT.cc

Reads flatc's binary schema (its reflection.fbs). Knows the kinds of fields that our schemas
have: scalars, enums, strings, [ubyte], tables and vectors of tables; anything else is an error.
"""
import os
import re
import struct
import sys

PREFIX = 'weft_wire_'
# reflection.fbs, BaseType: number -> (C type, struct format)
SCALARS = {1: ('uint8_t', 'B'), 2: ('bool', '?'), 3: ('int8_t', 'b'), 4: ('uint8_t', 'B'),
           5: ('int16_t', 'h'), 6: ('uint16_t', 'H'), 7: ('int32_t', 'i'), 8: ('uint32_t', 'I'),
           9: ('int64_t', 'q'), 10: ('uint64_t', 'Q')}
UBYTE, STRING, VECTOR, OBJECT = 4, 13, 14, 15


class Table:
    """A FlatBuffers table, read without a generated reader. Slots are numbered from 0."""

    def __init__(self, data, pos):
        self.data, self.pos = data, pos

    @staticmethod
    def root(data):
        return Table(data, struct.unpack_from('<I', data)[0])

    def _read(self, fmt, pos):
        return struct.unpack_from('<' + fmt, self.data, pos)[0]

    def _place(self, slot):
        vtable = self.pos - self._read('i', self.pos)
        entry = 4 + 2 * slot
        offset = self._read('H', vtable + entry) if entry < self._read('H', vtable) else 0
        return self.pos + offset if offset else None

    def number(self, slot, fmt, default=0):
        place = self._place(slot)
        return default if place is None else self._read(fmt, place)

    def _target(self, slot):
        place = self._place(slot)
        return None if place is None else place + self._read('I', place)

    def text(self, slot):
        at = self._target(slot)
        return self.data[at + 4:at + 4 + self._read('I', at)].decode()

    def table(self, slot):
        return Table(self.data, self._target(slot))

    def tables(self, slot):
        at = self._target(slot)
        places = [at + 4 + 4 * i for i in range(self._read('I', at) if at else 0)]
        return [Table(self.data, p + self._read('I', p)) for p in places]


def snake(name):
    return re.sub(r'(?<!^)(?=[A-Z])', '_', name.split('.')[-1]).lower()


class Field:
    """One field of a table: how it is seen, what it is written from, and how."""

    def __init__(self, table, owner):
        self.name, self.slot = table.text(0), table.number(2, 'H')
        kind = table.table(1)
        base, element = kind.number(0, 'b'), kind.number(1, 'b')
        get, vt = f't->{self.name}()', f'T::VT_{self.name.upper()}'
        self.size, self.ref_type = 4, f'struct {PREFIX}ref'
        self.write = (f'b->buffer.AddOffset({vt}, '
                      f'flatbuffers::Offset<void>(r->{self.name}.offset));')
        self.read = f'face::view({get})'
        if base in SCALARS:
            self.view_type, fmt = SCALARS[base]
            self.size, self.ref_type = struct.calcsize(fmt), self.view_type
            stored = 'uint8_t' if self.view_type == 'bool' else self.view_type
            self.write = (f'b->buffer.AddElement<{stored}>({vt}, r->{self.name}, '
                          f'{table.number(4, "q")});')
            self.read = f'static_cast<{self.view_type}>({get})'
        elif base == STRING:
            self.view_type = 'struct weft_text'
        elif base == OBJECT:
            self.view_type, self.read = 'const void *', get
        elif base == VECTOR and element == UBYTE:
            self.view_type = 'struct weft_bytes'
        elif base == VECTOR and element == OBJECT:
            self.view_type = f'struct {PREFIX}vector'
        else:
            sys.exit(f'face.py: {owner}.{self.name}: no C face for base type {base} of {element}')


def declare_struct(name, members):
    # An empty struct has another size in C++ than in C.
    lines = [f'    {ctype}{"" if ctype.endswith("*") else " "}{member};'
             for ctype, member in members or [('uint8_t', 'nothing')]]
    return '\n'.join([f'struct {name} {{', *lines, '};'])


def face_of_table(table, header, source):
    cpp, name = table.text(0).replace('.', '::'), PREFIX + snake(table.text(0))
    fields = [Field(f, name) for f in table.tables(1) if not f.number(6, '?')]
    fields.sort(key=lambda f: f.slot)
    header.append(declare_struct(name, [(f.view_type, f.name) for f in fields]))
    header.append(declare_struct(name + '_refs', [(f.ref_type, f.name) for f in fields]))

    def function(result, signature, body):
        header.append(f'{result}{signature};')
        source.append(f'{result}{signature}\n{{\n    using T = {cpp};\n    '
                      + '\n    '.join(body) + '\n}')

    function('const void *', f'{name}_open(struct weft_bytes bytes, const char *identifier)',
             ['return face::open<T>(bytes, identifier);'])
    function('void ', f'{name}_read(const void *table, struct {name} *ret)',
             ['auto t = static_cast<const T *>(table);', '(void)t, (void)ret;']
             + [f'ret->{f.name} = {f.read};' for f in fields])
    # The widest first, so that no padding stands between them.
    writes = [f.write for f in sorted(fields, key=lambda f: -f.size)]
    function(f'struct {PREFIX}ref ',
             f'{name}_write(struct {PREFIX}builder *b, const struct {name}_refs *r)',
             ['(void)sizeof(T), (void)r;', f'return face::guard(b, {16 + 8 * len(fields)}, [&] {{',
              '    auto start = b->buffer.StartTable();', *('    ' + w for w in writes),
              '    return b->buffer.EndTable(start);', '});'])


def face_of_enum(table, header):
    name = (PREFIX + snake(table.text(0))).upper()
    values = [f'    {name}_{snake(v.text(0)).upper()} = {v.number(1, "q")},'
              for v in table.tables(1)]
    header.append('\n'.join(['enum {', *values, '};']))


def main(out, *schemas):
    header, source, seen = [], [], set()
    for path in schemas:
        with open(path, 'rb') as file:
            root = Table.root(file.read())
        for slot in (1, 0):
            for item in root.tables(slot):
                if item.text(0) not in seen:
                    seen.add(item.text(0))
                    face_of_enum(item, header) if slot else face_of_table(item, header, source)
    generated = [os.path.basename(path)[:-len('.bfbs')] + '_generated.h' for path in schemas]
    note = 'Written by proto/schema/face.py from the schemas. */'
    guard = re.sub(r'\W', '_', os.path.basename(out)).upper() + '_FACE_H'
    with open(out + '.h', 'w') as file:
        file.write(f'/* {note}\n#ifndef {guard}\n#define {guard}\n#include "proto/schema/face.h"\n'
                   '#ifdef __cplusplus\nextern "C" {\n#endif\n' + '\n'.join(header)
                   + '\n#ifdef __cplusplus\n}\n#endif\n#endif\n')
    with open(out + '.cc', 'w') as file:
        file.write(f'/* {note}\n#include "{os.path.basename(out)}.h"\n'
                   '#include "proto/schema/face.hh"\n'
                   + ''.join(f'#include "{g}"\n' for g in generated)
                   + 'extern "C" {\n' + '\n'.join(source) + '\n}\n')


main(*sys.argv[1:])
