//! The last step of every answer: compression, latency, and faults of delivery.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fault::FaultKind;
use crate::http::{Reply, Request};
use crate::service::Service;

const SMALLEST_COMPRESSED: usize = 200;
const SLOW_BODY_PIECES: usize = 8;

/// Prepares a reply for the wire and enters it in the account.
pub(crate) fn deliver(
    service: &Service,
    request: &Request,
    reply: &mut Reply,
    faults: &[FaultKind],
) {
    {
        let mut state = service.state();
        let status = reply.status.as_u16();
        *state.account.statuses.entry(status).or_default() += 1;
        state.account.body_bytes += u64::try_from(reply.length()).unwrap_or_default();
    }
    if service.gzip && accepts_gzip(request) && reply.length() >= SMALLEST_COMPRESSED {
        compress(reply);
    }
    reply.delivery.delay += service.latency;
    for fault in faults {
        match fault {
            FaultKind::Slow(ms) => reply.delivery.delay += Duration::from_millis((*ms).into()),
            FaultKind::SlowBody(ms) => {
                let pieces = u32::try_from(SLOW_BODY_PIECES).unwrap_or(1);
                let pause = Duration::from_millis((*ms).into()) / pieces;
                reply.delivery.trickle = Some((SLOW_BODY_PIECES, pause));
            }
            FaultKind::Cut => reply.delivery.cut_after = Some(reply.length() / 2),
            _ => {}
        }
    }
}

fn accepts_gzip(request: &Request) -> bool {
    request.header("accept-encoding").is_some_and(|text| {
        text.split(',')
            .any(|one| one.split(';').next().unwrap_or_default().trim() == "gzip")
    })
}

fn compress(reply: &mut Reply) {
    let mut encoder = GzEncoder::new(Vec::with_capacity(reply.length() / 8), Compression::fast());
    let written = reply
        .body
        .iter()
        .try_for_each(|piece| encoder.write_all(piece));
    if let (Ok(()), Ok(compressed)) = (written, encoder.finish()) {
        reply.body = vec![Bytes::from(compressed)];
        reply.set("content-encoding", "gzip");
        let vary = match reply.get("vary") {
            Some(vary) => format!("{vary}, Accept-Encoding"),
            None => "Accept-Encoding".to_owned(),
        };
        reply.set("vary", &vary);
    }
}
