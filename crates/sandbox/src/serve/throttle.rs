//! The rate limit by access token, as the response headers state it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// The values of the `X-RateLimit-*` headers of one reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RateLimit {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the window ends.
    pub(crate) reset: f64,
    pub(crate) exceeded: bool,
}

/// Requests counted per token within one window.
#[derive(Debug)]
pub(crate) struct Throttle {
    /// Requests within one window.
    pub(crate) limit: u32,
    /// How long a window lasts.
    pub(crate) window: TimeDelta,
    windows: HashMap<String, (DateTime<Utc>, u32)>,
}

impl Throttle {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            window: TimeDelta::seconds(1),
            windows: HashMap::new(),
        }
    }

    /// Counts one request of `token`.
    pub(crate) fn count(&mut self, token: &str, now: DateTime<Utc>) -> RateLimit {
        let window = match self.windows.get_mut(token) {
            Some(window) => window,
            None => self.windows.entry(token.to_owned()).or_insert((now, 0)),
        };
        if now - window.0 >= self.window {
            *window = (now, 0);
        }
        let exceeded = window.1 >= self.limit;
        if !exceeded {
            window.1 += 1;
        }
        let left = (self.window - (now - window.0)).num_microseconds();
        RateLimit {
            limit: self.limit,
            remaining: self.limit.saturating_sub(window.1),
            reset: f64::from(u32::try_from(left.unwrap_or_default()).unwrap_or_default()) / 1e6,
            exceeded,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::Throttle;

    #[test]
    fn a_token_is_refused_past_its_limit_until_the_window_ends() {
        let now: DateTime<Utc> = "2026-11-24T00:00:00Z".parse().unwrap();
        let mut throttle = Throttle::new(2);
        assert_eq!(throttle.count("a", now).remaining, 1);
        assert_eq!(throttle.count("a", now).remaining, 0);
        assert!(throttle.count("a", now).exceeded);
        assert!(!throttle.count("b", now).exceeded);
        assert!(!throttle.count("a", now + TimeDelta::seconds(1)).exceeded);
    }
}
