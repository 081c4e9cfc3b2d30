#!/usr/bin/python3
"""node/api/http/embed.py: a file as an array in C. usage: embed.py FILE OUT NAME

JSON is parsed and written again without white space, so that a document that is none fails the
build. Part of the build; the output is never committed."""

import json
import sys


def main():
    source, out, name = sys.argv[1:]
    with open(source, encoding="utf-8") as f:
        data = json.dumps(json.load(f), separators=(",", ":"), ensure_ascii=False).encode()
    lines = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    with open(out, "w", encoding="utf-8") as f:
        f.write("#include <stddef.h>\n"
                f"extern const unsigned char {name}[];\nextern const size_t {name}_size;\n"
                f"const unsigned char {name}[] = {{\n    " + ",\n    ".join(lines) + "};\n"
                f"const size_t {name}_size = sizeof({name});\n")


if __name__ == "__main__":
    main()
