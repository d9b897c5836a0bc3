//! The state of another process according to `/proc`, and what an operator can do about it. Used
//! for messages only.

/// The state of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessState {
    /// Stopped by a signal.
    Stopped,
    /// In uninterruptible sleep, usually waiting for a disk.
    OnDisk,
    /// It has ended, or never existed.
    Gone,
    /// Any other state, and every state on a system without `/proc`.
    Other,
}

/// The state of a process of this host.
#[must_use]
pub fn process_state(pid: u32) -> ProcessState {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => state_in(&stat),
        Err(_) if has_proc() => ProcessState::Gone,
        Err(_) => ProcessState::Other,
    }
}

fn has_proc() -> bool {
    std::path::Path::new("/proc/self").exists()
}

/// The state of `pid (name) state …`; the name may contain anything, parentheses too.
fn state_in(stat: &str) -> ProcessState {
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.trim().chars().next());
    match state {
        Some('T' | 't') => ProcessState::Stopped,
        Some('D') => ProcessState::OnDisk,
        Some('Z' | 'X') => ProcessState::Gone,
        _ => ProcessState::Other,
    }
}

impl ProcessState {
    /// The state as a clause that follows the name of the process.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Stopped => "it is stopped (SIGSTOP)",
            Self::OnDisk => "it waits for a disk",
            Self::Gone => "it has ended",
            Self::Other => "it gives no sign of life",
        }
    }

    /// What an operator can do about it.
    #[must_use]
    pub fn advice(self, pid: u32) -> String {
        match self {
            Self::Stopped => format!("`kill -CONT {pid}` lets it go on; then run again"),
            Self::OnDisk => {
                "See whether the disk of the data directory works; then run again".to_owned()
            }
            Self::Gone => "Run again".to_owned(),
            Self::Other => format!(
                "`ps -o pid,stat,wchan,args -p {pid}` shows what it does, and `kill {pid}` asks it \
                 to finish and end; then run again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};
    use std::time::Duration;

    use super::{ProcessState, has_proc, process_state, state_in};

    #[test]
    fn the_state_is_read_behind_a_name_of_any_kind() {
        for (stat, expected) in [
            ("7 (sleep) S 1 7", ProcessState::Other),
            ("7 (sleep) T 1 7", ProcessState::Stopped),
            ("7 (sleep) t 1 7", ProcessState::Stopped),
            ("7 (a) T (b) D 1 7", ProcessState::OnDisk),
            ("7 (a b) Z 1 7", ProcessState::Gone),
            ("7 (sleep) X 1 7", ProcessState::Gone),
            ("", ProcessState::Other),
        ] {
            assert_eq!(state_in(stat), expected, "{stat}");
        }
    }

    fn send_signal(child: &Child, name: &str) {
        let pid = child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn until(pid: u32, state: ProcessState) {
        for _ in 0..10_000 {
            if process_state(pid) == state {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("process {pid} does not become {state:?}");
    }

    #[test]
    fn the_state_of_a_process_is_reported_with_what_to_do() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id();
        until(pid, ProcessState::Other);
        let [stopped, gone] = match has_proc() {
            true => [ProcessState::Stopped, ProcessState::Gone],
            // Nothing is known of any process.
            false => [ProcessState::Other; 2],
        };
        send_signal(&child, "-STOP");
        until(pid, stopped);
        child.kill().unwrap();
        until(pid, gone);
        child.wait().unwrap();
        assert_eq!(process_state(pid), gone);
        let advice = ProcessState::Stopped.advice(7);
        assert!(advice.contains("`kill -CONT 7`"), "{advice}");
    }
}
