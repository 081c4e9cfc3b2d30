"""tests/lib/genealogy.py: a small genealogy, written down by hand.

Lots, brackets made on two machines, boxes, a container, a motor that is exchanged. What traces and
recalls of it must say stands in the tests that ask (test_trace.py, test_http_thread.py)."""

LOT, OTHER_LOT = "lot:AL6061/22", "lot:AL6061/23"
MILLS = ["plant1/line2/mill-1", "plant1/line2/mill-2"]


def link(rel, to, **attrs):
    return {"rel": rel, "to": to, **({"attrs": attrs} if attrs else {})}


def record(kind, asset, at, *links):
    return {"kind": kind, "asset": asset, "at": at, "links": list(links)}


def hour(h):
    return f"2024-03-01T{h:02}:00:00Z"


def day(d):
    return f"2024-03-{d:02}T00:00:00Z"


SMALL = [
    record("part_revision", "part:bracket/rev/A", day(1), link("revision_of", "part:bracket")),
    *[record("as_built", f"serial:bracket/{n}", hour(4 * n),
             link("uses_lot", LOT if n != 3 else OTHER_LOT, quantity={"value": 0.4, "unit": "kg"}),
             link("made_on", MILLS[n % 2]), link("instance_of", "part:bracket/rev/A"))
      for n in range(1, 6)],
    *[record("as_built", f"serial:box/{n}", day(3),
             link("consumes", f"serial:bracket/{n}", quantity=1),
             link("consumes", f"serial:lid/{n}", quantity=2))
      for n in range(1, 6)],
    record("epcis.aggregation", "event:1", day(5), link("parent", "pallet:9"),
           link("contains", "serial:box/1"), link("contains", "serial:box/2")),
    record("shipment", "serial:box/4", day(6), link("shipped_to", "customer:north")),
    record("installation", "serial:box/5", day(7), link("installs", "serial:motor/1")),
    record("replacement", "serial:box/5", day(9), link("removes", "serial:motor/1"),
           link("installs", "serial:motor/2")),
]
