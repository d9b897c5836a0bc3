//! Histories of claims, and which version of each is current. Written by hand, after what CMS says
//! of its fields and what BCDA's team says of claim groups; no rule of ours was asked.

/// A history: what it shows, the bodies in the order of time, and the ids that are current in the end.
///
/// A body is `api id key=value …`. Keys: `at` (day of `meta.lastUpdated`), `status`, `type`, `group`,
/// `from`, `thru`, `ccn` (control number), `final` (Final-Action), `system` (System-Type), `code`
/// (NCH_CLM_TYPE_CD, CLM_TYPE_CD), `use`, `dltn` (ADJSTMT_DLTN_CD), `rx`, `ndc`, `patient`. What is not
/// named: active, a claim, CARRIER, group `g`, control number `n`, 1 to 2 March 2024, no tag.
pub(super) type History = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

/// Of API v2.
pub(super) const V2: &[History] = &[
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
];
