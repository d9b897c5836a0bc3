use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Body, BodyLimits, BodyMemory, UNIT};
use crate::http::transport::Transport;

const LIMITS: BodyLimits = BodyLimits {
    at_once: 8,
    room: 10 * UNIT,
    largest: 40 * UNIT,
};

/// Receives a body of so many units, a quarter of a unit at a time, and counts the bytes in memory.
async fn receive(
    memory: Arc<BodyMemory>,
    units: usize,
    in_memory: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
) -> usize {
    let mut body = memory.begin().await.unwrap();
    let piece = vec![b'x'; UNIT / 4];
    for _ in 0..4 * units {
        body.add(&piece).await.unwrap();
        let now = in_memory.fetch_add(piece.len(), Ordering::SeqCst) + piece.len();
        most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
    let body = body.finish();
    let length = body.len();
    in_memory.fetch_sub(length, Ordering::SeqCst);
    drop(body);
    length
}

#[tokio::test]
async fn bodies_of_any_sizes_end_and_together_stay_below_the_room_and_the_largest() {
    for sizes in [
        // Each alone fits, all together do not.
        &[4; 16][..],
        // Each alone is larger than the room.
        &[40; 16],
        &[11, 1, 40, 10, 3, 40, 0, 2, 9, 9, 9, 9, 9, 40],
        // They grow in step until the room is full.
        &[2; 64],
    ] {
        let memory = Arc::new(BodyMemory::new(LIMITS));
        let (in_memory, most) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let under_way: Vec<_> = sizes
            .iter()
            .map(|units| {
                let (memory, in_memory, most) = (memory.clone(), in_memory.clone(), most.clone());
                tokio::spawn(receive(memory, *units, in_memory, most))
            })
            .collect();
        for (one, units) in under_way.into_iter().zip(sizes) {
            assert_eq!(one.await.unwrap(), units * UNIT);
        }
        let most = most.load(Ordering::SeqCst);
        assert!(most <= LIMITS.room + LIMITS.largest, "{most} of {sizes:?}");
        assert_eq!(memory.room.available_permits(), 10);
        assert_eq!(memory.beyond.available_permits(), 1);
        assert_eq!(memory.places.available_permits(), LIMITS.at_once);
    }
}

async fn large(memory: &BodyMemory, length: usize) -> Result<Body, Transport> {
    let mut body = memory.begin().await?;
    body.add(&vec![b'x'; length]).await?;
    Ok(body.finish())
}

#[tokio::test]
async fn a_body_beyond_the_largest_ends_and_leaves_nothing_in_memory() {
    let memory = BodyMemory::new(LIMITS);
    let too_large = large(&memory, LIMITS.largest + 1).await;
    assert!(matches!(too_large, Err(Transport::TooLarge { .. })));
    assert!(large(&memory, LIMITS.largest).await.is_ok());
    assert_eq!(memory.beyond.available_permits(), 1);
    assert_eq!(memory.room.available_permits(), 10);
}

#[tokio::test]
async fn memory_is_free_only_when_the_last_copy_of_a_body_is_gone() {
    let memory = BodyMemory::new(LIMITS);
    let body = large(&memory, 20 * UNIT).await.unwrap();
    let in_the_queue = body.clone();
    drop(body);
    assert_eq!(memory.beyond.available_permits(), 0);
    assert_eq!(memory.places.available_permits(), LIMITS.at_once - 1);
    drop(in_the_queue);
    assert_eq!(memory.beyond.available_permits(), 1);
    assert_eq!(memory.places.available_permits(), LIMITS.at_once);
}

#[tokio::test]
async fn a_request_that_is_given_up_while_it_waits_for_room_leaves_nothing_in_memory() {
    let memory = Arc::new(BodyMemory::new(LIMITS));
    let first = large(&memory, 30 * UNIT).await.unwrap();
    let waiting = tokio::spawn({
        let memory = Arc::clone(&memory);
        async move { large(&memory, 30 * UNIT).await.map(|body| body.len()) }
    });
    while memory.places.available_permits() == LIMITS.at_once - 1 {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    drop(first);
    assert_eq!(memory.places.available_permits(), LIMITS.at_once);
    assert_eq!(memory.beyond.available_permits(), 1);
}
