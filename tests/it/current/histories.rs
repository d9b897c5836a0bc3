//! The histories of `histories.txt`, which says what its lines mean.

/// A history: what it shows, the bodies in the order of time, and the ids that are current in the end.
pub(super) struct History {
    pub(super) title: &'static str,
    pub(super) bodies: Vec<&'static str>,
    pub(super) current: Vec<&'static str>,
}

/// Those of both API versions.
pub(super) fn histories() -> Vec<History> {
    let blocks = include_str!("histories.txt").split("\n# ").skip(1);
    let histories = blocks.map(|block| {
        let (bodies, current) = block.split_once("\ncurrent:").unwrap();
        let mut lines = bodies.lines();
        History {
            title: lines.next().unwrap(),
            bodies: lines.collect(),
            current: current.split_whitespace().collect(),
        }
    });
    histories.collect()
}
