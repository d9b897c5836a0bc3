//! A time limit that counts only while this process runs. An ordinary timeout would fire as soon as
//! a process that was stopped continues, although the answer has arrived meanwhile.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// A limit in ticks of this process's own timer.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProcessTimeLimit {
    pub(super) tick: Duration,
    pub(super) ticks: u32,
}

impl ProcessTimeLimit {
    /// The result of `work`; `None` if it did not end within the limit. A process that was stopped
    /// for an hour has waited for one tick, and the limit never fires on such a tick, so that data
    /// which arrived meanwhile are read first.
    pub(super) async fn limit<T>(self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        let mut ticks = 0;
        loop {
            let begun = Instant::now();
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep(self.tick) => {}
            }
            ticks += 1;
            let was_stopped = begun.elapsed() >= self.tick * 3;
            if ticks >= self.ticks && !was_stopped {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::{Instant, advance};

    use super::ProcessTimeLimit;

    const LIMIT: ProcessTimeLimit = ProcessTimeLimit {
        tick: Duration::from_secs(1),
        ticks: 90,
    };

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_is_given_up_after_the_limit() {
        let begun = Instant::now();
        assert_eq!(LIMIT.limit(std::future::pending::<()>()).await, None);
        assert_eq!(begun.elapsed().as_secs(), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_came_while_the_process_was_stopped_is_read_at_whatever_tick_it_was() {
        for before in [0, 1, 60, 88, 89] {
            for stopped in [3, 91, 3_600, 86_400] {
                let (answer, answered) = oneshot::channel();
                let waiting = tokio::spawn(LIMIT.limit(answered));
                tokio::task::yield_now().await;
                for _ in 0..before {
                    advance(Duration::from_secs(1)).await;
                    tokio::task::yield_now().await;
                }
                // The timer of the present tick is over before the answer is seen.
                advance(Duration::from_secs(stopped)).await;
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                let _ = answer.send("token");
                let read = waiting.await.unwrap();
                assert_eq!(
                    read,
                    Some(Ok("token")),
                    "stopped after {before} s for {stopped} s"
                );
            }
        }
    }
}
