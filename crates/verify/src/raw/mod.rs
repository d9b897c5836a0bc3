//! Raw JSON read a second time, past the view engine: only the members that checks ask for, found
//! by another scanner than the engine's, so that rows and arrays are counted independently.

mod outline;
mod references;
mod scan;
mod tree;

pub(crate) use outline::{Name, Outline, Spot};
pub(crate) use references::local_references;
pub(crate) use tree::{NodeId, Tree};
