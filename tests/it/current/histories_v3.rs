//! Histories of API v3, see [`super::histories`].

use super::histories::History;

pub(super) const V3: &[History] = &[
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
