//! Statements of the vault's database: each says in its error what was being done.

use chrono::{DateTime, Utc};
use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, Row};

use crate::VaultError;
use crate::error::During;
use crate::text::parse_instant;

/// One statement, prepared once per connection.
pub(crate) trait Sql {
    /// Runs a statement that changes rows; how many it changed.
    fn run(
        &self,
        operation: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, VaultError>;

    /// Reads every row of a query.
    fn rows<T>(
        &self,
        operation: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Fields<'_>) -> Result<T, VaultError>,
    ) -> Result<Vec<T>, VaultError>;

    /// Reads the first row of a query, where there is one.
    fn first<T>(
        &self,
        operation: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Fields<'_>) -> Result<T, VaultError>,
    ) -> Result<Option<T>, VaultError>;
}

impl Sql for Connection {
    fn run(
        &self,
        operation: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, VaultError> {
        let statement = self.prepare_cached(sql);
        statement
            .and_then(|mut it| it.execute(params))
            .during(operation)
    }

    fn rows<T>(
        &self,
        operation: &'static str,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Fields<'_>) -> Result<T, VaultError>,
    ) -> Result<Vec<T>, VaultError> {
        let mut statement = self.prepare_cached(sql).during(operation)?;
        let mut rows = statement.query(params).during(operation)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().during(operation)? {
            found.push(read(&Fields { row, operation })?);
        }
        Ok(found)
    }

    fn first<T>(
        &self,
        operation: &'static str,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Fields<'_>) -> Result<T, VaultError>,
    ) -> Result<Option<T>, VaultError> {
        let mut statement = self.prepare_cached(sql).during(operation)?;
        let mut rows = statement.query(params).during(operation)?;
        let row = rows.next().during(operation)?;
        row.map(|row| read(&Fields { row, operation })).transpose()
    }
}

/// The columns of one row, by position.
pub(crate) struct Fields<'a> {
    row: &'a Row<'a>,
    operation: &'static str,
}

impl Fields<'_> {
    pub(crate) fn get<T: FromSql>(&self, at: usize) -> Result<T, VaultError> {
        self.row.get(at).during(self.operation)
    }

    /// A number that is never negative.
    pub(crate) fn count(&self, at: usize) -> Result<u64, VaultError> {
        self.get::<i64>(at).map(i64::unsigned_abs)
    }

    /// Text in a form of its own; `what` names it where it is not readable.
    pub(crate) fn parsed<T: std::str::FromStr>(
        &self,
        at: usize,
        what: &str,
    ) -> Result<T, VaultError> {
        self.get::<String>(at)?
            .parse()
            .map_err(|_| VaultError::damaged(format!("{what} is not readable")))
    }

    pub(crate) fn instant(
        &self,
        at: usize,
        what: &str,
    ) -> Result<Option<DateTime<Utc>>, VaultError> {
        self.get::<Option<String>>(at)?
            .map(|text| parse_instant(&text, what))
            .transpose()
    }

    /// An instant that every row has.
    pub(crate) fn required_instant(
        &self,
        at: usize,
        what: &str,
    ) -> Result<DateTime<Utc>, VaultError> {
        parse_instant(&self.get::<String>(at)?, what)
    }
}

/// A count in the type of its column.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
