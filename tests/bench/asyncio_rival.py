"""A hand-written client to compare with: asyncio, aiohttp, orjson; careful, and about 100 lines.

    asyncio_rival.py BASE_URL CLIENT_ID CLIENT_SECRET API GRANTS.ndjson OUT_DIR

It refreshes each person's token once under a lock, retries with full jitter and Retry-After, plans
v2 pages from `total`, follows v3 pages by offset, checks whose each claim is, compares the count
of distinct ids with `total`, and writes one NDJSON file a person and resource by rename.
"""

import asyncio
import json
import os
import pathlib
import random
import sys

import aiohttp
import orjson

AT_ONCE, PAGE, TRIES = 32, 50, 8


class Person:
    def __init__(self, grant):
        self.patient, self.refresh_token = grant["patient"], grant["refresh_token"]
        self.access_token, self.lock = None, asyncio.Lock()


class Client:
    def __init__(self, base, client_id, secret, api, out, http):
        self.base, self.id, self.secret, self.api, self.out = base, client_id, secret, api, out
        self.http, self.permits = http, asyncio.Semaphore(AT_ONCE)

    async def token(self, person, rejected=None):
        async with person.lock:
            if person.access_token in (None, rejected):
                form = {"grant_type": "refresh_token", "refresh_token": person.refresh_token,
                        "client_id": self.id, "client_secret": self.secret}
                async with self.http.post(f"{self.base}/{self.api}/o/token/", data=form) as answer:
                    tokens = await answer.json()
                    answer.raise_for_status()
                person.access_token, person.refresh_token = tokens["access_token"], tokens["refresh_token"]
                path = self.out / "tokens.json.tmp"
                path.write_text(json.dumps({person.patient: tokens}))
                os.replace(path, self.out / f"tokens-{abs(hash(person.patient))}.json")
            return person.access_token

    async def get(self, person, resource, query):
        rejected = None
        for attempt in range(TRIES):
            token = await self.token(person, rejected)
            wait = random.random() * min(13, 0.2 * 2**attempt)
            try:
                async with self.permits, self.http.get(
                    f"{self.base}/{self.api}/fhir/{resource}", params=query,
                    headers={"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"},
                ) as answer:
                    body = await answer.read()
                    if answer.status == 200:
                        bundle = orjson.loads(body)
                        if bundle.get("resourceType") == "Bundle":
                            return bundle
                    elif answer.status == 401:
                        rejected = token
                    elif answer.status == 429:
                        wait = float(answer.headers.get("Retry-After") or wait)
                    elif answer.status < 500:
                        answer.raise_for_status()
            except (aiohttp.ClientPayloadError, aiohttp.ClientConnectionError, asyncio.TimeoutError):
                pass
            await asyncio.sleep(wait)
        raise RuntimeError(f"gave up on {resource}")

    async def pages(self, person, resource, query):
        offset_name = "startIndex" if self.api == "v2" else "_offset"
        first = await self.get(person, resource, query | {"_count": PAGE})
        bundles = [first]
        if self.api == "v2":
            offsets = range(PAGE, first.get("total", 0), PAGE)
            queries = [query | {"_count": PAGE, offset_name: offset} for offset in offsets]
            bundles += await asyncio.gather(*(self.get(person, resource, q) for q in queries))
        else:
            while any(link["relation"] == "next" for link in bundles[-1].get("link", [])):
                offset = PAGE * len(bundles)
                bundles.append(await self.get(person, resource, query | {"_count": PAGE, offset_name: offset}))
        resources = [entry["resource"] for bundle in bundles for entry in bundle.get("entry", [])]
        if self.api == "v2" and len({r["id"] for r in resources}) != first["total"]:
            raise RuntimeError("the set moved")
        return resources

    async def person(self, person):
        me = f"Patient/{person.patient}"
        claims = {"patient": person.patient} | ({"_source": "NCH,DDPS,FISS,MCS,VMS,CWF"} if self.api == "v3" else {})
        found = await asyncio.gather(
            self.pages(person, "Patient", {"_id": person.patient}),
            self.pages(person, "Coverage", {"beneficiary": person.patient}),
            self.pages(person, "ExplanationOfBenefit", claims),
        )
        for resource, owner, resources in zip(("Patient", "Coverage", "EOB"), (None, "beneficiary", "patient"), found):
            for r in resources:
                if (r["id"] != person.patient) if owner is None else (r[owner]["reference"] != me):
                    raise RuntimeError("a resource of somebody else")
            name = f"{resource}-{abs(hash(person.patient))}.ndjson"
            with open(self.out / (name + ".tmp"), "wb") as file:
                file.writelines(orjson.dumps(r) + b"\n" for r in resources)
                file.flush()
                os.fsync(file.fileno())
            os.replace(self.out / (name + ".tmp"), self.out / name)


async def main():
    base, client_id, secret, api, grants, out = sys.argv[1:]
    people = [Person(json.loads(line)) for line in open(grants)]
    pathlib.Path(out).mkdir(parents=True)
    timeout = aiohttp.ClientTimeout(total=120, sock_read=45)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=AT_ONCE)) as http:
        client = Client(base, client_id, secret, api, pathlib.Path(out), http)
        ended = await asyncio.gather(*(client.person(p) for p in people), return_exceptions=True)
    failed = [e for e in ended if isinstance(e, BaseException)]
    print(f"{len(people) - len(failed)} of {len(people)} people complete", file=sys.stderr)
    sys.exit(bool(failed))


asyncio.run(main())
