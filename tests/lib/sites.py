"""tests/lib/sites.py: the frame of a test on several sites that are each governed on their own."""

import sys

import cluster
import partners


class SitesCase(cluster.PlantCase):
    """Sites in cls.sites: `begin` makes them, starts them and lets them agree."""
    plant_nodes = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cluster.need("weftd")
        cls.directory = cls.directory.resolve()  # Commands run in the directory of their plant.
        cls.sites = []
        try:
            cls.begin()
        except BaseException:
            cls._failed = True
            cls.tearDownClass()
            raise

    @classmethod
    def begin(cls):
        raise NotImplementedError

    @classmethod
    def site(cls, home, org, name, partner, nodes=("n1",), **options):
        site = partners.Site(cls.directory / home, org, name, partner, nodes, **options)
        cls.sites.append(site)
        return site

    @classmethod
    def start(cls):
        for site in cls.sites:
            site.plant.start()

    @classmethod
    def tearDownClass(cls):
        for site in cls.sites:
            site.plant.stop()
            if cls._failed:
                print(site.plant.tails(40), file=sys.stderr)
        super().tearDownClass()


class PairCase(SitesCase):
    """A supplier and its customer of one node each, that share inspections."""
    agreement = "box-2026"
    rate = 100000

    @classmethod
    def begin(cls):
        cls.west = cls.site("west", "supplier.example", "west", "oem.example")
        cls.oem = cls.site("oem", "oem.example", "plant1", "supplier.example")
        cls.start()
        partners.share(cls.agreement, cls.west, cls.oem, ["inspection"], rate=cls.rate)

    def status(self, site):
        return site.told("partner", "status", self.agreement)
