"""ops/dev/selftest.py: every check is shown to be able to fail.

For each rule: a small house in a temporary directory that holds, one planted violation, and the
demand that the check names the file and the line. The clean house must pass."""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
HEADER = """/* proto/thing.h: a thing. */
#ifndef WEFT_PROTO_THING_H
#define WEFT_PROTO_THING_H

int weft_thing(int a);

#endif
"""
SOURCE = """#include "proto/thing.h"

int weft_thing(int a)
{
    return a + 1; /* PRO-1 */
}
"""
README = "# proto\n\nPRO-1. A thing is one more.\n"
CLEAN = {
    "proto/thing.h": HEADER,
    "proto/thing.c": SOURCE,
    "proto/README.md": README,
    "raft/log.h": HEADER.replace("thing", "log").replace("proto/", "raft/").replace(
        "PROTO_THING", "RAFT_LOG"),
    "policy/note.c": '#include "proto/thing.h"\n',
    "ops/run": "#!/bin/bash\necho hello\n",
}


def body(lines):
    return "int weft_long(void)\n{\n" + "    (void)0;\n" * lines + "}\n"



# rule, check, files that plant it, what the finding must say
PLANTED = [
    ("raft includes policy", "layers", {"raft/x.c": '#include "policy/note.h"\n',
                                        "policy/note.h": HEADER}, "raft/x.c:1"),
    ("federation includes raft", "layers",
     {"federation/x.c": '\n#include "raft/log.h"\n'}, "federation/x.c:2"),
    ("raft includes federation", "layers",
     {"raft/x.c": '#include "federation/x.h"\n', "federation/x.h": ""}, "raft/x.c:1"),
    ("proto includes anything", "layers", {"proto/x.c": '#include "raft/log.h"\n'},
     "proto/x.c:1"),
    ("ops includes raft", "layers", {"ops/x.c": '#include "raft/log.h"\n'}, "ops/x.c:1"),
    ("raft.h outside raft", "layers", {"node/x.c": "#include <raft.h>\n"}, "node/x.c:1"),
    ("nng outside the link", "layers", {"node/x.c": "#include <nng/nng.h>\n"}, "node/x.c:1"),
    ("FlatBuffers outside proto", "layers",
     {"node/x.cpp": "#include <flatbuffers/flatbuffers.h>\n"}, "node/x.cpp:1"),
    ("OpenSSL in proto", "layers", {"proto/x.c": "#include <openssl/evp.h>\n"}, "proto/x.c:1"),
    ("RocksDB outside the state", "layers", {"node/x.c": "#include <rocksdb/c.h>\n"},
     "node/x.c:1"),
    ("yajl outside json_reader.c", "layers", {"ops/x.c": "#include <yajl/yajl_parse.h>\n"},
     "ops/x.c:1"),
    ("a clock in a pure layer", "layers", {"policy/x.c": "#include <time.h>\n"}, "policy/x.c:1"),
    ("product includes tests", "layers", {"node/x.c": '#include "tests/x.h"\n',
                                          "tests/x.h": HEADER}, "node/x.c:1"),
    ("black box includes the product", "layers",
     {"tests/cluster/x.c": '#include "proto/thing.h"\n'}, "tests/cluster/x.c:1"),
    ("the generated face outside proto", "layers",
     {"node/x.c": '#include "proto/schema/wire.h"\n'}, "node/x.c:1"),
    ("include of no file", "layers", {"proto/x.c": '#include "thing.h"\n'}, "proto/x.c:1"),
    ("long line", "text", {"proto/x.c": "/* " + "x" * 98 + " */\n"}, "proto/x.c:1"),
    ("tab", "text", {"proto/x.c": "int\tweft_x;\n"}, "proto/x.c:1"),
    ("trailing space", "text", {"proto/x.c": "int weft_x; \n"}, "proto/x.c:1"),
    ("no newline at the end", "text", {"proto/x.c": "int weft_x;"}, "proto/x.c:1"),
    ("to-do note", "text", {"proto/x.c": "/* TO" "DO: all */\n"}, "proto/x.c:1"),
    ("machine path", "text", {"ops/x.sh": "cd /ho" "me/someone/x\n"}, "ops/x.sh:1"),
    ("host out there", "text", {"ops/x.sh": "get ht" "tp://mirror.dot.com/x\n"}, "ops/x.sh:1"),
    ("long function", "text", {"proto/x.c": body(76)}, "proto/x.c:2"),
    ("long source", "text", {"proto/x.c": "int weft_x;\n" * 701}, "proto/x.c:701"),
    ("long header", "text", {"proto/x.h": "/* proto/x.h: x */\n#ifndef WEFT_X_H\n"
                             "#define WEFT_X_H\n" + "int weft_x;\n" * 220 + "#endif\n"},
     "proto/x.h:224"),
    ("header without purpose", "text",
     {"proto/x.h": "#ifndef WEFT_X_H\n#define WEFT_X_H\n#endif\n"}, "proto/x.h:1"),
    ("header without guard", "text", {"proto/x.h": "/* proto/x.h: x */\nint weft_x;\n"},
     "proto/x.h:1"),
    ("two headers, one guard", "text",
     {"proto/x.h": HEADER.replace("proto/thing.h", "proto/x.h")}, "proto/x.h:1"),
    ("invariant that nobody cites", "text",
     {"policy/README.md": "POL-7. Nobody looks.\n"}, "policy/README.md:1"),
    ("invariant that nobody states", "text", {"policy/x.c": "/* POL-8 */\n"}, "policy/x.c:1"),
    ("Python that does not parse", "text", {"ops/x.py": "def f(:\n"}, "ops/x.py:1"),
    ("exception without reason", "text", {"ops/dev/exceptions": "proto/x.c lines\n"},
     "ops/dev/exceptions:1"),
    ("exception no longer needed", "text",
     {"ops/dev/exceptions": "proto/thing.c lines it was long\n"}, "ops/dev/exceptions:1"),
    ("format", "format", {"proto/x.c": "int weft_x( int a )\n{ return a ; }\n"}, "proto/x.c:1"),
    ("script with an unquoted word", "scripts",
     {"ops/x": '#!/bin/bash\nfor i in "$(ls)"; do rm $unset/$i; done\nif [ $x == ]; then :; fi\n'},
     "ops/x"),
    ("tidy", "tidy", {"proto/x.c": "int weft_x(int a);\nint weft_x(int a)\n{\n    int *p = 0;\n"
                      "    return a == 1 ? *p : a;\n}\n"}, "proto/x.c:5"),
]
# What a granted exception lets pass.
GRANTED = {
    "proto/x.c": body(76),
    "ops/dev/exceptions": "proto/x.c function:weft_long one table, read from top to bottom\n",
}


def build(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def run(check, files):
    """The check's exit code and output over a clean house with these files on top."""
    with tempfile.TemporaryDirectory(prefix="weft-house-") as directory:
        root = pathlib.Path(directory)
        build(root, {**CLEAN, **files})
        dev = root / "ops/dev"
        dev.mkdir(parents=True, exist_ok=True)
        for name in ("check", "check-layers", "check-text", "check-tidy", "house.py"):
            (dev / name).write_bytes((HERE / name).read_bytes())
            (dev / name).chmod(0o755)
        for name in (".clang-format", ".clang-tidy"):
            (root / name).write_bytes((HERE.parents[1] / name).read_bytes())
        commands = ", ".join(
            f'{{"directory": "{root}", "file": "{root}/{name}", "command": "cc -iquote {root} '
            f'-c {root}/{name}"}}' for name in {**CLEAN, **files} if name.endswith(".c"))
        build(root, {"build/compile_commands.json": f"[{commands}]"})
        done = subprocess.run([str(dev / "check"), check], cwd=root, capture_output=True,
                              text=True, check=False,
                              env={**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)})
        return done.returncode, done.stdout + done.stderr


def main():
    failures = []
    for check in ("format", "layers", "text", "scripts", "tidy"):
        code, output = run(check, {})
        if code != 0:
            failures.append(f"the clean house fails {check}:\n{output}")
    code, output = run("text", GRANTED)
    if code != 0:
        failures.append(f"a granted exception is not heard:\n{output}")
    for rule, check, files, place in PLANTED:
        code, output = run(check, files)
        if code != 1 or place not in output:
            failures.append(f"not caught: {rule} (exit {code}, wanted {place}):\n{output}")
    for failure in failures:
        print(f"selftest: {failure}", file=sys.stderr)
    print(f"selftest: {len(PLANTED) - len(failures)} of {len(PLANTED)} planted violations caught")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
