//! Grants in lists and files: the commands `grants list`, `import`, `export`, `migrate`, `revoke` and
//! `token`.
//! Each access is recorded in the access log before its result is handed out.

mod export;
mod file;
mod identify;
mod import;
mod lend;
mod list;
mod migrate;

pub use export::{ExportTo, export};
pub use identify::identify_patients;
pub use import::{BadLine, ImportReport, import};
pub use lend::{LentToken, lend, revoke};
pub use list::{GrantFilter, ListedGrant, list};
pub use migrate::{MigrationReport, counts, migrate, to_migrate};
