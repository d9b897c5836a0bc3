//! Grants in lists and files: what `grants list`, `import`, `export`, `revoke` and `token` do.

mod export;
mod file;
mod import;
mod lend;
mod list;
mod name;

pub use export::{ExportTo, export};
pub use import::{BadLine, ForgottenPeople, ImportReport, import, import_people};
pub use lend::{Lent, lend, revoke};
pub use list::{GrantFilter, GrantLine, list};
pub use name::name_nameless;
