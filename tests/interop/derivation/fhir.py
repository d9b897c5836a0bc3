"""What a FHIR body says, and the urls under which CMS says it. A helper returns None where nothing is said."""

import datetime
import decimal

VAR = "https://bluebutton.cms.gov/resources/variables/"
V2 = "https://bluebutton.cms.gov/resources/codesystem/"
V3 = "https://bluebutton.cms.gov/fhir/CodeSystem/"
V3_EXTENSION = "https://bluebutton.cms.gov/fhir/StructureDefinition/"
CARIN = "http://hl7.org/fhir/us/carin-bb/CodeSystem/"
HL7 = "http://terminology.hl7.org/CodeSystem/"
NUBC = "https://www.nubc.org/CodeSystem/"

NPI = "http://hl7.org/fhir/sid/us-npi"
MBI = "http://hl7.org/fhir/sid/us-mbi"
NDC = "http://hl7.org/fhir/sid/ndc"
CCN = "http://terminology.hl7.org/NamingSystem/CCN"
EIN = "urn:oid:2.16.840.1.113883.4.4"
CONTROL_NUMBER = "https://bluebutton.cms.gov/identifiers/CLM-CNTL-NUM"

PROFESSIONAL = {"CARRIER", "DME"}
INSTITUTIONAL = {"INPATIENT", "OUTPATIENT", "SNF", "HHA", "HOSPICE"}
STAYS = {"INPATIENT", "SNF"}


def dictionary(value):
    return value if isinstance(value, dict) else {}


def elements(value):
    """The objects of a list, whatever else is in it."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def text(value):
    return value if isinstance(value, str) and value else None


def first(values):
    """The first that is there."""
    return next((value for value in values if value is not None), None)


def codings(concept):
    return elements(dictionary(concept).get("coding"))


def code(concept, *systems):
    """The code of the first of the systems, in their order, that the concept has."""
    for system in systems:
        for coding in codings(concept):
            if coding.get("system") == system and text(coding.get("code")):
                return coding["code"]
    return None


def has(concept, system, wanted):
    return any(coding.get("system") == system and coding.get("code") == wanted for coding in codings(concept))


def extension(holder, url):
    return next((found for found in elements(dictionary(holder).get("extension")) if found.get("url") == url), {})


def extension_code(holder, url):
    """The code of an extension's Coding; some urls stand twice, once with another type of value."""
    for found in elements(dictionary(holder).get("extension")):
        if found.get("url") == url and "valueCoding" in found:
            return text(dictionary(found["valueCoding"]).get("code"))
    return None


def reference(holder, kind):
    """`-1` of `{"reference": "Patient/-1"}`."""
    found = text(dictionary(holder).get("reference"))
    return found.removeprefix(kind + "/") if found and found.startswith(kind + "/") else None


def rounded(value, places):
    """A number with so many decimals: the noise of a double goes, true further digits make it none."""
    if isinstance(value, bool) or not isinstance(value, (int, decimal.Decimal)):
        return None
    exact = decimal.Decimal(value)
    near = exact.quantize(decimal.Decimal(1).scaleb(-places))
    return near if abs(exact - near) < decimal.Decimal("1e-9") else None


def money(amount):
    return rounded(dictionary(amount).get("value"), 2)


def quantity(value):
    return rounded(dictionary(value).get("value"), 4)


def whole(value):
    return int(value) if isinstance(value, (int, decimal.Decimal)) and not isinstance(value, bool) else None


def day(value):
    """A date, or the day of a dateTime as it is written, in no other time zone."""
    try:
        return datetime.date.fromisoformat(value[:10]) if text(value) and len(value) >= 10 else None
    except ValueError:
        return None


def contained(body, holder):
    """The contained resource that `{"reference": "#id"}` means."""
    target = text(dictionary(holder).get("reference"))
    if target and target.startswith("#"):
        for found in elements(body.get("contained")):
            if found.get("id") == target[1:]:
                return found
    return {}


class Claim:
    """An ExplanationOfBenefit and what most columns ask of it first."""

    def __init__(self, api, body):
        self.api = api
        self.body = body
        self.is_current = None

    @property
    def id(self):
        return text(self.body.get("id"))

    @property
    def patient(self):
        return reference(self.body.get("patient"), "Patient")

    @property
    def last_updated(self):
        return text(dictionary(self.body.get("meta")).get("lastUpdated")) or ""

    @property
    def type(self):
        """INPATIENT, …: the EOB type; never the claim type, which v2 gets wrong."""
        return code(self.body.get("type"), V2 + "eob-type", V3 + "EOB-TYPE")

    @property
    def partition_type(self):
        if self.is_authorization:
            return "PRIOR_AUTH"
        return self.type or "UNKNOWN"

    @property
    def nch_type(self):
        return code(self.body.get("type"), V3 + "CLM-TYPE-CD", VAR + "nch_clm_type_cd")

    @property
    def is_authorization(self):
        return self.body.get("use") == "preauthorization"

    @property
    def is_notice(self):
        """A hospice notice of election (rules 1)."""
        return self.api == "v3" and self.nch_type in ("1900", "2900")

    @property
    def is_professional(self):
        return self.type in PROFESSIONAL

    @property
    def is_institutional(self):
        return self.type in INSTITUTIONAL

    @property
    def period(self):
        period = dictionary(self.body.get("billablePeriod"))
        return day(period.get("start")), day(period.get("end"))

    @property
    def service_year(self):
        start, end = self.period
        lines = elements(self.body.get("item"))
        serviced = dictionary(lines[0].get("servicedPeriod")).get("start") if lines else None
        line_day = first([day(lines[0].get("servicedDate")), day(serviced)]) if lines else None
        authorized = elements(self.body.get("preAuthRefPeriod"))
        authorized_day = day(authorized[0].get("start")) if authorized else None
        found = first([end, start, line_day, authorized_day])
        return found.year if found else 0

    def lines(self):
        """Lines in the order of the source (Q8)."""
        return elements(self.body.get("item"))

    def extension_code(self, name):
        return extension_code(self.body, VAR + name)

    def information(self, *names):
        """Supporting information by its category: a v2 variable, a v3 name or a CARIN code."""
        found = []
        for entry in elements(self.body.get("supportingInfo")):
            category = entry.get("category")
            if any(
                has(category, V2 + "information", VAR + name)
                or has(category, V3 + "Supporting-Information", name)
                or has(category, CARIN + "C4BBSupportingInfoType", name)
                for name in names
            ):
                found.append(entry)
        return found

    def information_code(self, names, *systems):
        return first(code(entry.get("code"), *systems) for entry in self.information(*names))

    def context(self):
        """The first columns of every table about claims."""
        return {
            "source_api": self.api,
            "eob_id": self.id,
            "patient_id": self.patient,
            "eob_type": self.partition_type,
            "service_year": self.service_year,
            "is_current": self.is_current,
        }
