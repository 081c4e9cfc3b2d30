"""tests/lib/nist_box.py: what stands in shared/data/nist-box, read straight from its files.

    /usr/bin/python3 tests/lib/nist_box.py ../shared/data/nist-box

Shares no code with the importers and follows none of their rules but the one that the data set's
README gives: which unit is meant by a number. Values are texts, as they are written."""

import collections
import pathlib
import re
import sys
import tarfile
import xml.etree.ElementTree as ET

QIF = "{http://qifstandards.org/xsd/qif2}"
# Of a measured characteristic: the text of its name and of its value, and its status.
Measured = collections.namedtuple("Measured", "name value status")
# `unit`: "box/7", or None where the file gives no serial number.
Result = collections.namedtuple("Result", "unit verdict measured")


def part_of(path):
    """box, cover or plate, by the file's name."""
    return next(part for part in ("box", "cover", "plate") if part in path.name.lower())


def number_of(serial):
    """7 of '7', and of 'BOXRESULTS_A07_NIST_MTC_CRADA_BOX_ORIGIN_NIKON_TOUCH'."""
    found = re.fullmatch(r"(?:.*_A)?0*(\d+)(?:_.*)?", serial)
    return found.group(1)


def results_of(path):
    root = ET.parse(path).getroot()
    items = {item.get("id"): item.findtext(f"{QIF}Name") or ""
             for item in root.find(f"{QIF}Characteristics/{QIF}CharacteristicItems")}
    components = {c.get("id"): c for c in root.iter(f"{QIF}ActualComponent")}
    for result in root.iter(f"{QIF}MeasurementResults"):
        measured = [Measured(items[m.findtext(f"{QIF}CharacteristicItemId")],
                             m.findtext(f"{QIF}Value"),
                             m.findtext(f"{QIF}Status/{QIF}CharacteristicStatusEnum"))
                    for m in result.find(
                        f"{QIF}MeasuredCharacteristics/{QIF}CharacteristicActuals")]
        verdict = result.findtext(f"{QIF}InspectionStatus/{QIF}InspectionStatusEnum")
        ids = [i.text for i in result.find(f"{QIF}ActualComponentIds")]
        for place, component in enumerate(components[i] for i in ids):
            serial = component.findtext(f"{QIF}SerialNumber")
            status = component.findtext(f"{QIF}Status/{QIF}InspectionStatusEnum")
            yield Result(f"{part_of(path)}/{number_of(serial)}" if serial else None,
                         verdict if len(ids) == 1 else status, measured if place == 0 else [])


class NistBox:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.first_article_files = sorted((self.directory / "FAIR").iterdir())
        self.incoming_files = sorted((self.directory / "QIF-IncomingInspection").iterdir())
        self.first_article = [r for f in self.first_article_files for r in results_of(f)]
        self.incoming = [r for f in self.incoming_files for r in results_of(f)]

    def unpack_runs(self, directory):
        """The machining runs as files: {"box/7": path}."""
        runs, folder = {}, pathlib.Path(directory) / "PartData"
        folder.mkdir()
        with tarfile.open(self.directory / "PartData.tar.xz") as archive:
            for member in archive:
                if member.isfile():
                    name = pathlib.PurePath(member.name).name
                    (folder / name).write_bytes(archive.extractfile(member).read())
        for path in sorted(folder.glob("*.txt")):
            part, machine, number = re.fullmatch(
                r"(\w+)-(\w+)-(\d+)of20", path.stem).groups()
            runs[f"{part.lower()}/{int(number)}"] = (machine, path)
        return runs

    def raw_digests(self):
        """The data set's own list: {file name: SHA-256}."""
        pairs = (line.split() for line in
                 (self.directory / "PartData.sha256").read_text().splitlines())
        return {name.split("/")[-1]: digest for digest, name in pairs}

    def differing(self):
        """Units that both organizations judged, and judged differently."""
        ours = {r.unit: r.verdict for r in self.first_article if r.unit}
        theirs = {r.unit: r.verdict for r in self.incoming if r.unit}
        return sorted(u for u in ours.keys() & theirs.keys() if ours[u] != theirs[u])


def is_sound(line):
    """time|item|value"""
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\|[^|]+\|[^|]*", line) is not None


def main(directory):
    box = NistBox(directory)
    for name in ("first_article", "incoming"):
        results = getattr(box, name)
        print(f"{name}: {len(results)} units, "
              f"{sum(r.unit is None for r in results)} without a serial, "
              f"{sum(len(r.measured) for r in results)} measurements, "
              f"{collections.Counter(r.verdict for r in results)}")
    print(f"differing: {' '.join(box.differing())}")


if __name__ == "__main__":
    main(sys.argv[1])
