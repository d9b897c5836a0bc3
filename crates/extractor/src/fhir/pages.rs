//! Reading all pages of a search, and telling whether they are all of one set.
//!
//! v2 tells the size of the set on every page: every offset is planned from page one. v3 does
//! not: pages are looked ahead for, each overlapping the one before by one resource, so that a
//! set that moves between two pages shows.

use claimlake_contract::ApiVersion;
use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::http::fetch::End;
use crate::land::PageInfo;

/// No person has more pages; a server that always says `next` is stopped here.
const MOST_PAGES: u64 = 20_000;
/// Look-ahead windows grow to this.
const WIDEST_WINDOW: u64 = 8;

/// One page of a search.
#[derive(Debug)]
pub(crate) enum PageAnswer {
    Page(PageInfo),
    /// The offset lies behind the end.
    PastEnd,
}

impl PageAnswer {
    /// Resources that no page of the reading had before.
    fn fresh(&self) -> u64 {
        match self {
            PageAnswer::Page(page) => page.fresh,
            PageAnswer::PastEnd => 0,
        }
    }
}

/// Where pages come from.
pub(crate) trait Pages {
    /// The page at an offset.
    fn page(&self, offset: u64) -> impl Future<Output = Result<PageAnswer, End>> + Send;
}

/// What one reading of all pages came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Round {
    /// Every page was there, and all are of one set.
    Agreed { total: Option<u64>, distinct: u64 },
    /// The set moved while it was read.
    Disagreed,
}

/// Reads all pages once.
///
/// # Errors
/// How it ended for the person.
pub(crate) async fn read_once(
    pages: &impl Pages,
    api: ApiVersion,
    page_size: u64,
) -> Result<Round, End> {
    let first = match pages.page(0).await? {
        PageAnswer::Page(first) => first,
        PageAnswer::PastEnd => return Ok(Round::Disagreed),
    };
    match (api, first.total) {
        (ApiVersion::V2, Some(total)) => read_planned(pages, &first, total, page_size).await,
        _ if is_last(&first, 0, page_size) => {
            Ok(agreed_if(first.fresh == first.entries, None, first.fresh))
        }
        _ => look_ahead(pages, first, page_size).await,
    }
}

/// v2: every page from the total of the first.
async fn read_planned(
    pages: &impl Pages,
    first: &PageInfo,
    total: u64,
    page_size: u64,
) -> Result<Round, End> {
    let expected = |offset: u64| page_size.min(total - offset);
    if first.entries != expected(0) || total.div_ceil(page_size) > MOST_PAGES {
        return Ok(Round::Disagreed);
    }
    let mut distinct = first.fresh;
    let offsets = (1..).map(|page| page * page_size);
    let mut under_way: FuturesUnordered<_> = offsets
        .take_while(|offset| *offset < total)
        .map(|offset| async move { (offset, pages.page(offset).await) })
        .collect();
    while let Some((offset, answer)) = under_way.next().await {
        match answer? {
            PageAnswer::Page(page)
                if page.total == Some(total) && page.entries == expected(offset) =>
            {
                distinct += page.fresh;
            }
            PageAnswer::Page(_) | PageAnswer::PastEnd => return Ok(Round::Disagreed),
        }
    }
    Ok(agreed_if(distinct == total, Some(total), distinct))
}

/// v3: windows of pages that grow, until one has no `next`.
async fn look_ahead(pages: &impl Pages, first: PageInfo, page_size: u64) -> Result<Round, End> {
    let overlap = u64::from(page_size > 1);
    let step = page_size - overlap;
    let mut distinct = first.fresh;
    let mut previous = first;
    let mut next_page = 1;
    let mut window = 2;
    loop {
        if previous.entries != page_size || next_page > MOST_PAGES {
            return Ok(Round::Disagreed);
        }
        let mut under_way: FuturesUnordered<_> = (next_page..next_page + window)
            .map(|number| async move { (number, pages.page(number * step).await) })
            .collect();
        let mut answers = Vec::new();
        while let Some((number, answer)) = under_way.next().await {
            answers.push((number, answer?));
        }
        answers.sort_by_key(|(number, _)| *number);
        let mut answers = answers.into_iter();
        while let Some((_, answer)) = answers.next() {
            let PageAnswer::Page(page) = answer else {
                return Ok(Round::Disagreed);
            };
            // A page overlaps the one before by its first resource; nothing else may repeat.
            let joins = overlap == 0 || page.first == previous.last;
            distinct += page.fresh;
            if !joins || page.entries == 0 {
                return Ok(Round::Disagreed);
            }
            let offset = next_page * step;
            let ends = is_last(&page, offset, page_size);
            if !ends && page.entries != page_size {
                return Ok(Round::Disagreed);
            }
            let rows = offset + page.entries;
            previous = page;
            next_page += 1;
            if ends {
                // Where the last page is full, the next one asked for overlaps it; whichever
                // landed first counted the resource they share.
                distinct += answers.map(|(_, answer)| answer.fresh()).sum::<u64>();
                let stands = distinct == rows && still_ends(pages, &previous, rows).await?;
                return Ok(agreed_if(stands, None, distinct));
            }
        }
        window = (window * 2).min(WIDEST_WINDOW);
    }
}

/// Whether a page is the last: it has no `next`, or one that leads nowhere and room to spare.
fn is_last(page: &PageInfo, offset: u64, page_size: u64) -> bool {
    match page.next {
        None => true,
        Some(next) => {
            let leads_on = next.offset.is_none_or(|next| next > offset);
            !leads_on && page.entries < page_size
        }
    }
}

/// Whether the set still ends where its last page ended: had it moved since its other pages were
/// read, its last resource would lie elsewhere.
async fn still_ends(pages: &impl Pages, last: &PageInfo, rows: u64) -> Result<bool, End> {
    let Some(offset) = rows.checked_sub(1) else {
        return Ok(true);
    };
    match pages.page(offset).await? {
        PageAnswer::Page(page) => Ok(page.entries == 1 && page.first == last.last),
        PageAnswer::PastEnd => Ok(false),
    }
}

fn agreed_if(agreed: bool, total: Option<u64>, distinct: u64) -> Round {
    match agreed {
        true => Round::Agreed { total, distinct },
        false => Round::Disagreed,
    }
}

#[cfg(test)]
mod tests;
