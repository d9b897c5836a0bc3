//! Texts that lie beside the tables: SQL that makes the lake's views.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::error::Result;
use crate::found::FoundTarget;
use crate::store::Store;

/// Writes the texts that differ from what is there.
///
/// # Errors
/// One could not be read or written.
pub(crate) async fn write(
    texts: &BTreeMap<String, String>,
    found: &FoundTarget,
    store: &Store,
) -> Result<()> {
    for (name, text) in texts {
        let is_there = found.listing.contains_key(name)
            && store.read(name).await?.as_deref() == Some(text.as_bytes());
        if !is_there {
            store.write(name, Bytes::from(text.clone())).await?;
        }
    }
    Ok(())
}
