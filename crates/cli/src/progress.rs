//! How progress shows: bars on a terminal, plain lines elsewhere, events with `--json`.

mod bars;
mod line;
mod lines;

use std::sync::Arc;

use claimlake_contract::{NoProgress, Progress};

use crate::output::Output;

/// Bars if the output is a terminal, else events or plain lines.
pub(crate) fn for_output(output: &Arc<Output>) -> Arc<dyn Progress> {
    if let Some(bars) = output.bars() {
        return Arc::new(bars::Bars::new(bars.clone()));
    }
    if output.is_json() || !output.is_quiet() {
        return Arc::new(lines::Lines::new(Arc::clone(output)));
    }
    Arc::new(NoProgress)
}
