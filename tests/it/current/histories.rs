//! Histories of claims, and which version of each is current. Written by hand, after what CMS says
//! of its fields and what BCDA's team says of claim groups; no rule of ours was asked.

/// A history: what it shows, the bodies in the order of time, and the ids that are current in the end.
///
/// A body is `api id key=value …`. Keys: `at` (day of `meta.lastUpdated`), `status`, `type`, `group`,
/// `from`, `thru`, `ccn` (control number), `final` (Final-Action), `system` (System-Type), `code`
/// (NCH_CLM_TYPE_CD, CLM_TYPE_CD), `use`, `dltn` (ADJSTMT_DLTN_CD), `rx`, `ndc`, `patient`. What is not
/// named: active, a claim, CARRIER, group `g`, control number `n`, 1 to 2 March 2024, no tag.
pub(super) const HISTORIES: &[(&str, &[&str], &[&str])] = &[
    ("v2: one version", &["v2 a at=1"], &["a"]),
    (
        "v2: one version, cancelled",
        &["v2 a at=1 status=cancelled"],
        &[],
    ),
    (
        "v2: the replaced version is updated last, to say that it is cancelled",
        &["v2 a at=1", "v2 b at=2", "v2 a at=3 status=cancelled"],
        &["b"],
    ),
    (
        "v2: replaced within one weekly load",
        &["v2 b at=2", "v2 a at=2 status=cancelled"],
        &["b"],
    ),
    (
        "v2: adjusted twice, the middle one is updated last",
        &[
            "v2 a at=2 status=cancelled",
            "v2 c at=3",
            "v2 b at=4 status=cancelled",
        ],
        &["c"],
    ),
    (
        "v2: the whole claim is cancelled",
        &[
            "v2 a at=1 status=cancelled",
            "v2 b at=1",
            "v2 b at=3 status=cancelled",
        ],
        &[],
    ),
    (
        "v2: the status alone decides, the newest is cancelled",
        &["v2 a at=1", "v2 b at=2 status=cancelled"],
        &["a"],
    ),
    (
        "v2: cancelled, then active again",
        &["v2 a at=1", "v2 a at=2 status=cancelled", "v2 a at=3"],
        &["a"],
    ),
    (
        "v2: an older body comes later and does not count",
        &["v2 a at=5", "v2 a at=4 status=cancelled"],
        &["a"],
    ),
    (
        "v2: a constant claim group ties nothing",
        &[
            "v2 a at=1 group=900",
            "v2 b at=2 group=900 type=DME",
            "v2 c at=3 group=900 from=2024-04-01 thru=2024-04-01",
        ],
        &["a", "b", "c"],
    ),
    (
        "v2: two active versions of one group and day",
        &["v2 a at=1", "v2 b at=2"],
        &["a", "b"],
    ),
    (
        "v2: neither active nor cancelled",
        &[
            "v2 a at=1 status=entered-in-error",
            "v2 b at=1 status=draft",
        ],
        &[],
    ),
    (
        "v2: no type of CMS's, as other payers send it",
        &["v2 a at=1 type=- group=1", "v2 b at=2 type=- group=1"],
        &["a", "b"],
    ),
    (
        "v2: no version has a status, the newest counts",
        &["v2 a at=1 status=-", "v2 b at=2 status=-"],
        &["b"],
    ),
    (
        "v2: no version has a status, and all are of one instant",
        &["v2 a at=2 status=-", "v2 b at=2 status=-"],
        &["b"],
    ),
    (
        "v2: no status and no type: nothing ties them, and UNKNOWN does not",
        &["v2 a at=1 status=- type=-", "v2 b at=2 status=- type=-"],
        &["a", "b"],
    ),
    (
        "v2: one version states it, another is newer and does not",
        &["v2 a at=1", "v2 b at=2 status=-"],
        &["a"],
    ),
    (
        "v2: one version states that it is cancelled, another is newer and states nothing",
        &["v2 a at=1 status=cancelled", "v2 b at=2 status=-"],
        &[],
    ),
    (
        "v2: Part D, adjusted",
        &["v2 a at=1 type=PDE dltn=A"],
        &["a"],
    ),
    ("v2: Part D, deleted", &["v2 a at=1 type=PDE dltn=D"], &[]),
    (
        "v2: Part D, deleted and cancelled; what replaces it",
        &[
            "v2 a at=3 type=PDE dltn=D status=cancelled",
            "v2 b at=2 type=PDE dltn=A",
        ],
        &["b"],
    ),
    (
        "v2: Part D, two fills of one group",
        &[
            "v2 a at=1 type=PDE group=900 rx=1 status=-",
            "v2 b at=2 type=PDE group=900 rx=2 status=-",
        ],
        &["a", "b"],
    ),
    (
        "v2: a prior authorization",
        &["v2 a at=1 use=preauthorization"],
        &[],
    ),
    ("v2: an estimate", &["v2 a at=1 use=predetermination"], &[]),
    (
        "v2: an older body without use",
        &["v2 a at=1 use=-"],
        &["a"],
    ),
    (
        "v2: a notice of hospice election",
        &["v2 a at=1 type=HOSPICE code=2900"],
        &[],
    ),
    (
        "v2: a hospice claim",
        &["v2 a at=1 type=HOSPICE code=50"],
        &["a"],
    ),
    ("v3: tagged final", &["v3 a at=1 final=FinalAction"], &["a"]),
    (
        "v3: tagged not final",
        &["v3 a at=1 final=NotFinalAction"],
        &[],
    ),
    (
        "v3: the replaced version is updated last",
        &[
            "v3 a at=1 final=FinalAction",
            "v3 b at=2 final=FinalAction",
            "v3 a at=3 final=NotFinalAction",
        ],
        &["b"],
    ),
    (
        "v3: the tag alone decides, the newest is not final",
        &[
            "v3 a at=1 final=FinalAction",
            "v3 b at=2 final=NotFinalAction",
        ],
        &["a"],
    ),
    (
        "v3: a status is no statement there",
        &["v3 a at=1 status=active final=NotFinalAction"],
        &[],
    ),
    (
        "v3: a shared system's claim alone",
        &["v3 a at=1 system=SharedSystem final=FinalAction"],
        &["a"],
    ),
    (
        "v3: two FinalActions of one claim, of two types",
        &[
            "v3 a at=1 system=SharedSystem final=FinalAction type=DME code=2800",
            "v3 b at=1 system=NationalClaimsHistory final=FinalAction code=71",
        ],
        &["b"],
    ),
    (
        "v3: the shared system's claim is updated last",
        &[
            "v3 b at=1 system=NationalClaimsHistory final=FinalAction",
            "v3 a at=2 system=SharedSystem final=FinalAction",
        ],
        &["b"],
    ),
    (
        "v3: the final claim comes later",
        &[
            "v3 a at=1 system=SharedSystem final=FinalAction",
            "v3 b at=2 system=NationalClaimsHistory final=FinalAction",
        ],
        &["b"],
    ),
    (
        "v3: whatever the tags say, the final claim is not final",
        &[
            "v3 a at=2 system=SharedSystem final=FinalAction",
            "v3 b at=1 system=NationalClaimsHistory final=NotFinalAction",
        ],
        &[],
    ),
    (
        "v3: both phases of a shared system, then the final claim of another type",
        &[
            "v3 a at=9 system=SharedSystem final=NotFinalAction type=OUTPATIENT code=1013",
            "v3 b at=9 system=SharedSystem final=FinalAction type=OUTPATIENT code=2013",
            "v3 c at=9 system=NationalClaimsHistory final=FinalAction type=HHA code=10",
        ],
        &["c"],
    ),
    (
        "v3: both phases of a shared system",
        &[
            "v3 a at=3 system=SharedSystem final=NotFinalAction code=1700",
            "v3 b at=2 system=SharedSystem final=FinalAction code=2700",
        ],
        &["b"],
    ),
    (
        "v3: one control number, other first days",
        &[
            "v3 a at=1 system=SharedSystem final=FinalAction from=2024-02-28",
            "v3 b at=1 system=NationalClaimsHistory final=FinalAction",
        ],
        &["a", "b"],
    ),
    (
        "v3: one control number, other last days",
        &[
            "v3 a at=1 system=SharedSystem final=FinalAction thru=2024-03-03",
            "v3 b at=1 system=NationalClaimsHistory final=FinalAction",
        ],
        &["a", "b"],
    ),
    (
        "v3: one control number, another patient",
        &[
            "v3 a at=1 system=SharedSystem final=FinalAction patient=x",
            "v3 b at=1 system=NationalClaimsHistory final=FinalAction",
        ],
        &["a", "b"],
    ),
    (
        "v3: the same dates, another control number",
        &[
            "v3 a at=1 system=SharedSystem final=FinalAction ccn=other",
            "v3 b at=1 system=NationalClaimsHistory final=FinalAction",
        ],
        &["a", "b"],
    ),
    (
        "v3: no control number, the same dates",
        &[
            "v3 a at=1 system=SharedSystem final=FinalAction ccn=-",
            "v3 b at=1 system=NationalClaimsHistory final=FinalAction ccn=-",
        ],
        &["a", "b"],
    ),
    (
        "v3: a constant control number on claims of three types",
        &[
            "v3 a at=1 system=NationalClaimsHistory final=FinalAction",
            "v3 b at=2 system=NationalClaimsHistory final=FinalAction type=DME",
            "v3 c at=3 system=NationalClaimsHistory final=FinalAction type=HHA",
        ],
        &["a", "b", "c"],
    ),
    (
        "v3: Part D, one event",
        &["v3 a at=1 type=PDE system=DDPS code=1"],
        &["a"],
    ),
    (
        "v3: Part D, an adjusted event",
        &[
            "v3 a at=1 type=PDE system=DDPS code=1 rx=7",
            "v3 b at=2 type=PDE system=DDPS code=2 rx=7",
        ],
        &["b"],
    ),
    (
        "v3: Part D, original and adjusted within one load, the ids the other way round",
        &[
            "v3 b at=1 type=PDE system=DDPS code=1 rx=7",
            "v3 a at=1 type=PDE system=DDPS code=2 rx=7",
        ],
        &["a"],
    ),
    (
        "v3: Part D, one number, another fill date",
        &[
            "v3 a at=1 type=PDE system=DDPS code=1",
            "v3 b at=2 type=PDE system=DDPS code=1 from=2024-04-01 thru=2024-04-01",
        ],
        &["a", "b"],
    ),
    (
        "v3: Part D, one number and day, another prescription",
        &[
            "v3 a at=1 type=PDE system=DDPS code=1 rx=7",
            "v3 b at=2 type=PDE system=DDPS code=1 rx=8",
        ],
        &["a", "b"],
    ),
    (
        "v3: Part D, one number and day, another drug",
        &[
            "v3 a at=1 type=PDE system=DDPS code=1 ndc=00071015523",
            "v3 b at=2 type=PDE system=DDPS code=1 ndc=00093101301",
        ],
        &["a", "b"],
    ),
    (
        "v3: Part D, a deleted event",
        &["v3 a at=1 type=PDE system=DDPS code=3"],
        &[],
    ),
    (
        "v3: Part D, the original is deleted later",
        &[
            "v3 a at=1 type=PDE system=DDPS code=1",
            "v3 b at=2 type=PDE system=DDPS code=3",
        ],
        &[],
    ),
    (
        "v3: Part D, the original is deleted within one load",
        &[
            "v3 b at=1 type=PDE system=DDPS code=1",
            "v3 a at=1 type=PDE system=DDPS code=3",
        ],
        &[],
    ),
    (
        "v3: Part D, the original is marked deleted with the adjusted event beside it",
        &[
            "v3 b at=2 type=PDE system=DDPS code=3",
            "v3 a at=2 type=PDE system=DDPS code=2",
        ],
        &["a"],
    ),
    (
        "v3: Part D, deleted, then sent again",
        &[
            "v3 a at=1 type=PDE system=DDPS code=3",
            "v3 b at=2 type=PDE system=DDPS code=1",
        ],
        &["b"],
    ),
    (
        "v3: a prior authorization",
        &["v3 a at=1 use=preauthorization system=SharedSystem type=- ccn=- from=-"],
        &[],
    ),
    (
        "v3: a prior authorization says nothing of the claim",
        &[
            "v3 a at=2 use=preauthorization system=SharedSystem type=-",
            "v3 b at=1 final=FinalAction system=NationalClaimsHistory",
        ],
        &["b"],
    ),
    (
        "v3: notices of hospice election",
        &[
            "v3 a at=1 type=HOSPICE code=1900 system=SharedSystem final=FinalAction",
            "v3 b at=1 type=HOSPICE code=2900 system=SharedSystem final=FinalAction ccn=other",
        ],
        &[],
    ),
    (
        "v3: no version has a tag, the newest counts",
        &["v3 a at=1", "v3 b at=2"],
        &["b"],
    ),
    (
        "v3: no version has a tag, the shared system's is newer",
        &[
            "v3 a at=1 system=NationalClaimsHistory",
            "v3 b at=2 system=SharedSystem",
        ],
        &["a"],
    ),
    (
        "v3: a newer version has no tag, an older one is not final",
        &["v3 a at=1 final=NotFinalAction", "v3 b at=2"],
        &[],
    ),
    (
        "v3: a newer version has no tag, an older one is final",
        &["v3 a at=1 final=FinalAction", "v3 b at=2"],
        &["a"],
    ),
];
