"""tests/lib/web_case.py: the frame of a test of the HTTP door: a plant whose doors are ready."""

import time
import uuid

import cluster
import web
from plant import wait_for


def inspection(serial, verdict="PASS", **extra):
    return {"kind": "inspection", "asset": f"serial:box/{serial}",
            "attrs": {"verdict": verdict, "flatness": {"value": 0.014, "unit": "mm"}},
            "links": [{"rel": "made_on", "to": "plant1/line2/mill-2"}], **extra}


class HttpCase(cluster.PlantCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.context = web.tls(cls.plant.identity)
        cls.stranger = web.tls(cls.plant.identity, with_certificate=False)
        document = web.Web(cls.plant["n1"].http, cls.stranger).get("/openapi.json", check=False)
        cls.document = web.Document(document.json)
        cls.principal = f"spiffe://{cls.plant.org}/{cls.plant.site}/op/tester"
        for node in cls.plant:
            wait_for(f"{node.name} is ready",
                     lambda n=node: cls.web(n).get("/readyz").status == 200)

    @classmethod
    def web(cls, node=None, context=None):
        return web.Web((node or cls.plant.leader()).http, context or cls.context, cls.document)

    def commit(self, records, node=None, request_id=None, **options):
        """Once, however often it must be asked."""
        request_id = request_id or str(uuid.uuid4())
        end = time.monotonic() + 20
        while True:
            try:
                answer = self.web(node).commit(records, request_id, **options)
                if answer.status not in (503, 504) or time.monotonic() > end:
                    return answer
            except OSError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def assert_problem(self, answer, status, code=None, pointer=None):
        self.assertEqual(status, answer.status, answer.body)
        self.assertEqual("application/problem+json", answer.headers["content-type"])
        problem = answer.json
        self.assertEqual(status, problem["status"])
        if code:
            self.assertEqual(f"urn:weft:problem:{code}", problem["type"])
        if pointer is not None:
            self.assertEqual(pointer, problem.get("pointer"), problem)
        return problem
