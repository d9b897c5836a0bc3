"""`stay` and `person` (design 5; rules 6, 8, 10)."""

from .fhir import HL7, MBI, STAYS, day, elements, reference, text, dictionary

# Discharges to another hospital, and the same with a planned readmission (Q21).
TRANSFERS = {"02", "05", "43", "62", "63", "65", "66", "82", "85", "88", "90", "91", "93", "94"}


def stay_rows(claims):
    """Current inpatient and SNF claims of one patient, CCN and admission date are one stay."""
    stays = {}
    for row in claims:
        if row["eob_type"] in STAYS and row["is_current"] and row["admission_date"]:
            key = (row["source_api"], row["patient_id"], row["facility_ccn"], row["admission_date"])
            stays.setdefault(key, []).append(row)
    for (api, patient, ccn, admitted), rows in stays.items():
        last = max(rows, key=lambda row: (str(row["thru_date"]), str(row["from_date"]), row["eob_id"]))
        status, left = last["discharge_status_code"], last["discharge_date"]
        payments = [row["paid_amount"] for row in rows if row["paid_amount"] is not None]
        yield {
            "source_api": api,
            "patient_id": patient,
            "facility_ccn": ccn,
            "admission_date": admitted,
            "discharge_date": left,
            "discharge_status_code": status,
            "nights": (left - admitted).days if left and left >= admitted else None,
            "is_open": status == "30" if status else None,
            "is_transfer": status in TRANSFERS if status else None,
            "paid_amount": sum(payments) if payments else None,
        }


def death_of(patient):
    return day(patient.get("deceasedDateTime"))


def mbis_of(patient):
    """Every MBI ever held, by its system."""
    return {text(entry.get("value")) for entry in elements(patient.get("identifier")) if entry.get("system") == MBI} - {None}


def coverage_mbis(coverage):
    return mbis_of(coverage.body)


def person_rows(patients, coverages):
    """Humans: ids of both versions joined by any MBI ever held and by links of merged ids, never by names."""
    groups = {}

    def root(node):
        groups.setdefault(node, node)
        while groups[node] != node:
            node = groups[node]
        return node

    def join(one, other):
        groups[root(one)] = root(other)

    for (api, id), body in patients.items():
        root((api, id))
        for mbi in mbis_of(body):
            join((api, id), ("mbi", mbi))
        for link in elements(body.get("link")):
            other = reference(link.get("other"), "Patient")
            if other and link.get("type") in ("replaces", "replaced-by"):
                join((api, id), (api, other))
    for coverage in coverages:
        if (coverage.api, coverage.patient) in patients:
            for mbi in coverage_mbis(coverage):
                join((coverage.api, coverage.patient), ("mbi", mbi))
    people = {}
    for node in list(groups):
        people.setdefault(root(node), []).append(node)
    for nodes in people.values():
        if any((api, id) in patients for api, id in nodes):
            yield person_row(nodes, patients)


def person_row(nodes, patients):
    replaced = {
        id for api, id in nodes
        if api != "mbi" and (
            any(link.get("type") == "replaced-by" for link in elements(dictionary(patients.get((api, id))).get("link")))
            or any(says_replaces(patients.get((api, other)), id) for other_api, other in nodes if other_api == api)
        )
    }
    living = {wanted: sorted(id for api, id in nodes if api == wanted and id not in replaced and (api, id) in patients) for wanted in ("v2", "v3")}
    return {
        "patient_id_v2": living["v2"][0] if living["v2"] else None,
        "patient_id_v3": living["v3"][0] if living["v3"] else None,
        "mbis": sorted(id for api, id in nodes if api == "mbi"),
        "merged_ids": sorted(replaced.union(*(ids[1:] for ids in living.values()))),
    }


def says_replaces(patient, id):
    links = elements(dictionary(patient).get("link"))
    return any(link.get("type") == "replaces" and reference(link.get("other"), "Patient") == id for link in links)
