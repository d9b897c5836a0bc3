//! Where the `parquet` crate's writer keeps finished pages until their row group ends: the same
//! spool file as for text columns.

use std::io::Read as _;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::arrow::arrow_writer::{PageKey, PageStore, PageStoreArgs, PageStoreFactory};
use parquet::errors::{ParquetError, Result};

use crate::encode::page_spool::PageSpool;

/// Smaller pages stay in memory: to write each of them would cost more than it saves.
const SPOOLED_BYTES: usize = 4 << 10;

/// Makes a store for each column chunk; all of them share a spool.
#[derive(Debug)]
pub(crate) struct SpoolFactory(pub(crate) Arc<Mutex<PageSpool>>);

impl PageStoreFactory for SpoolFactory {
    fn create(&self, _: &PageStoreArgs<'_>) -> Result<Box<dyn PageStore>> {
        Ok(Box::new(SpooledPages {
            spool: self.0.clone(),
            pages: Vec::new(),
        }))
    }
}

/// The pages of one column chunk, in order; the key of a page is its position.
struct SpooledPages {
    spool: Arc<Mutex<PageSpool>>,
    pages: Vec<Page>,
}

/// Where a page is.
enum Page {
    InMemory(Bytes),
    Spooled(Range<u64>),
}

impl PageStore for SpooledPages {
    fn put(&mut self, page: Bytes) -> Result<PageKey> {
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        let range = match page.len() < SPOOLED_BYTES {
            true => None,
            false => spool.push(&page)?,
        };
        // Copied, because a page may be a small part of a large buffer that would otherwise stay in
        // memory.
        let in_memory = || Page::InMemory(Bytes::copy_from_slice(&page));
        self.pages.push(range.map_or_else(in_memory, Page::Spooled));
        Ok(PageKey::new(self.pages.len() as u64 - 1))
    }

    fn take(&mut self, key: PageKey) -> Result<Bytes> {
        let page = usize::try_from(key.get())
            .ok()
            .and_then(|index| self.pages.get_mut(index));
        match page {
            Some(Page::InMemory(page)) => Ok(std::mem::take(page)),
            Some(Page::Spooled(range)) => {
                let mut page = Vec::new();
                let spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
                spool
                    .reader(std::slice::from_ref(range))
                    .read_to_end(&mut page)?;
                Ok(page.into())
            }
            None => Err(ParquetError::General("there is no such page".to_owned())),
        }
    }
}
