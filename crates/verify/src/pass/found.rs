//! What threads find in landing.

use arrow_schema::ArrowError;
use claimlake_landing::DamagedFrame;

use crate::made::Expected;

/// What one thread, or all of them, found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) damaged: Vec<(u32, DamagedFrame)>,
    pub(super) expected: Expected,
    pub(super) error: Option<ArrowError>,
}
