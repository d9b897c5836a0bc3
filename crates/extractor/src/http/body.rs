//! The memory of bodies: they are received in pieces, and what all of them take together is bounded,
//! as they are after decompression.
//!
//! Small bodies share a fixed room. Where it is full, one body at a time may exceed it, up to the
//! largest there is: it can always be received, landed and dropped, so nothing waits for ever.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::transport::Transport;

/// Room is given out in pieces of this size.
const UNIT: usize = 64 << 10;

/// What bodies may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    /// Bodies received and not yet landed.
    pub(crate) at_once: usize,
    /// Bytes of all of them together, but for the one that may exceed it.
    pub(crate) room: usize,
    /// Bytes of one body.
    pub(crate) largest: usize,
}

impl BodyLimits {
    /// With the copies made while one body is checked and compressed, and the rest of the process,
    /// this stays below 1 GB.
    pub(crate) const DEFAULT: Self = Self {
        at_once: 16,
        room: 96 << 20,
        largest: 256 << 20,
    };
}

/// The memory that the bodies of a client share.
#[derive(Debug)]
pub(super) struct BodyMemory {
    limits: BodyLimits,
    places: Arc<Semaphore>,
    /// In units.
    room: Arc<Semaphore>,
    /// The permit for the one body that may exceed the limit.
    beyond: Arc<Semaphore>,
}

/// A body, and the memory it is counted with: both are free once the last copy of this is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    bytes: Bytes,
    _permits: Arc<BodyPermits>,
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct IncomingBody {
    limits: BodyLimits,
    room: Arc<Semaphore>,
    beyond: Arc<Semaphore>,
    text: Vec<u8>,
    reserved: usize,
    permits: BodyPermits,
}

#[derive(Debug)]
struct BodyPermits {
    _place: OwnedSemaphorePermit,
    room: Option<OwnedSemaphorePermit>,
    beyond: Option<OwnedSemaphorePermit>,
}

impl BodyMemory {
    pub(super) fn new(limits: BodyLimits) -> Self {
        Self {
            limits,
            places: Arc::new(Semaphore::new(limits.at_once)),
            room: Arc::new(Semaphore::new(limits.room / UNIT)),
            beyond: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits until one more body may be received. What is not read yet is held back by the kernel.
    pub(super) async fn begin(&self) -> Result<IncomingBody, Transport> {
        let places = Arc::clone(&self.places);
        let place = places.acquire_owned().await.map_err(|_| Transport::Over)?;
        Ok(IncomingBody {
            limits: self.limits,
            room: Arc::clone(&self.room),
            beyond: Arc::clone(&self.beyond),
            text: Vec::new(),
            reserved: 0,
            permits: BodyPermits {
                _place: place,
                room: None,
                beyond: None,
            },
        })
    }
}

impl IncomingBody {
    /// Adds a piece; waits until there is memory for it.
    pub(super) async fn add(&mut self, piece: &[u8]) -> Result<(), Transport> {
        let length = self.text.len() + piece.len();
        if length > self.limits.largest {
            return Err(Transport::TooLarge {
                largest: self.limits.largest as u64,
            });
        }
        self.reserve(length).await?;
        self.text.extend_from_slice(piece);
        Ok(())
    }

    async fn reserve(&mut self, length: usize) -> Result<(), Transport> {
        if self.permits.beyond.is_some() || length <= self.reserved {
            return Ok(());
        }
        let units = (length - self.reserved).div_ceil(UNIT);
        let room = u32::try_from(units)
            .ok()
            .and_then(|units| Arc::clone(&self.room).try_acquire_many_owned(units).ok());
        match room {
            Some(more) => {
                match &mut self.permits.room {
                    Some(permit) => permit.merge(more),
                    none => *none = Some(more),
                }
                self.reserved += units * UNIT;
            }
            None => {
                let beyond = Arc::clone(&self.beyond).acquire_owned().await;
                self.permits.beyond = Some(beyond.map_err(|_| Transport::Over)?);
            }
        }
        Ok(())
    }

    /// Bytes received so far.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    pub(super) fn finish(self) -> Body {
        Body {
            bytes: Bytes::from(self.text),
            _permits: Arc::new(self.permits),
        }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A body that is here already.
#[cfg(test)]
pub(crate) async fn of(bytes: &[u8]) -> Body {
    let mut body = BodyMemory::new(BodyLimits::DEFAULT).begin().await.unwrap();
    body.add(bytes).await.unwrap();
    body.finish()
}

#[cfg(test)]
mod tests;
