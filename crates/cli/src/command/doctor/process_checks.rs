//! What can end the broker together with a run, or let two brokers run.

use std::path::Path;

use claimlake_consent::{ProcessState, process_state};
use claimlake_vault::TokenLock;
use rustix::process::getpid;

use super::{Checks, Level};
use crate::process_limits::{in_first_pid_namespace, killed_as_a_group};

/// File systems whose locks or shared memory do not work between machines.
const NETWORK_FILE_SYSTEMS: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB 2"),
    (0x0102_1997, "9p"),
    (0x7375_7245, "Coda"),
    (0x5346_414f, "AFS"),
    (0x00c3_6400, "Ceph"),
];

pub(super) fn check(data_dir: &Path, checks: &mut Checks) {
    let mut add = |what: &str, (level, words): (Level, String)| {
        checks.add(level, &format!("broker: {what}"), words);
    };
    let (level, words) = pid_namespace();
    add("PID namespace", (level, words.to_owned()));
    let (level, words) = memory_group();
    add("memory.oom.group", (level, words.to_owned()));
    add("file system of --data", file_system(data_dir));
    add("service manager", (Level::Ok, service_manager().to_owned()));
    if let Some(pid) = TokenLock::holder(data_dir) {
        add("process at work", at_work(pid, process_state(pid)));
    }
}

/// The process that uses the tokens now.
fn at_work(pid: u32, state: ProcessState) -> (Level, String) {
    let words = format!("process {pid} uses the tokens of this data directory");
    match state {
        ProcessState::Other => (Level::Ok, format!("{words} now")),
        state => (
            Level::Warning,
            format!(
                "{words}, and {}: every command that needs a token waits for it. {}",
                state.words(),
                state.advice(pid)
            ),
        ),
    }
}

fn pid_namespace() -> (Level, &'static str) {
    match in_first_pid_namespace() {
        None => {
            return (
                Level::Ok,
                "this system does not report it; on Linux it is in /proc/self/ns/pid",
            );
        }
        Some(true) => {
            return (
                Level::Ok,
                "the run is in no container of its own: the broker outlives it; a power cut can \
                 still cost the consents being refreshed at that instant (32 at most)",
            );
        }
        Some(false) => {}
    }
    // As PID 1, the program supervises and a child of it does the work.
    let name_of = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    if getpid().is_init() || (name_of("1").is_some() && name_of("1") == name_of("self")) {
        return (
            Level::Ok,
            "claimlake is PID 1 of this container and waits for the broker; a SIGKILL of the \
             whole container can still cost the consents being refreshed at that instant (16 at \
             most): give it 120 seconds to stop (docker stop -t 120)",
        );
    }
    (
        Level::Warning,
        "another program is PID 1 of this container: when it ends, the kernel kills the broker, \
         which can cost the consents being refreshed at that instant; make claimlake the \
         container's entry point, without --init and without a shell around it",
    )
}

fn memory_group() -> (Level, &'static str) {
    match killed_as_a_group() {
        Some(true) => (
            Level::Warning,
            "when memory runs out, the kernel kills the broker together with the run: set \
             memory.oom.group to 0, or give the run more memory",
        ),
        Some(false) => (
            Level::Ok,
            "when memory runs out, the kernel kills one process alone",
        ),
        None => (Level::Ok, "the cgroup of this process has no such setting"),
    }
}

fn file_system(data_dir: &Path) -> (Level, String) {
    let Ok(found) = rustix::fs::statfs(data_dir) else {
        return (
            Level::Ok,
            "the data directory cannot be looked at".to_owned(),
        );
    };
    // The kernel's type of this number differs between machines; its 32 bits do not.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    let kind = (found.f_type as i64) & 0xffff_ffff;
    let network = NETWORK_FILE_SYSTEMS
        .iter()
        .find(|(number, _)| *number == kind);
    match network {
        Some((_, name)) => (
            Level::Warning,
            format!(
                "it is {name}: locks and the vault's shared memory may not work between machines, \
                 so two brokers could use a token twice; choose a local --data directory"
            ),
        ),
        None => (Level::Ok, "it is local".to_owned()),
    }
}

fn service_manager() -> &'static str {
    match std::env::var_os("INVOCATION_ID") {
        None => "the run is not a unit of systemd",
        Some(_) => {
            "the run is a unit of systemd: stopping it sends SIGTERM to the broker too, which then \
             finishes; leave TimeoutStopSec at 90 seconds or more, and SendSIGKILL for the run \
             alone"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use claimlake_consent::ProcessState;

    use super::{Checks, Level, at_work, check};

    fn words_of(data_dir: &Path) -> Vec<(String, Level, String)> {
        let mut checks = Checks::default();
        check(data_dir, &mut checks);
        let all = checks.0.into_iter();
        all.map(|one| (one.what, one.level, one.words)).collect()
    }

    #[test]
    fn every_check_says_what_was_found() {
        let data = tempfile::tempdir().unwrap();
        let nowhere = Path::new("/nowhere/at/all");
        for (folder, expected) in [
            (data.path(), "it is local"),
            (nowhere, "the data directory cannot be looked at"),
        ] {
            let found = words_of(folder);
            assert_eq!(found.len(), 4);
            assert!(found.iter().all(|(_, _, words)| !words.is_empty()));
            let file_system = (
                "broker: file system of --data".to_owned(),
                Level::Ok,
                expected.to_owned(),
            );
            assert!(found.contains(&file_system), "{found:?}");
        }
    }

    #[test]
    fn a_process_that_uses_the_tokens_and_does_not_go_on_is_a_warning_with_what_to_do() {
        for (state, level, advice) in [
            (ProcessState::Other, Level::Ok, "process 7 uses the tokens"),
            (ProcessState::Stopped, Level::Warning, "`kill -CONT 7`"),
            (ProcessState::OnDisk, Level::Warning, "the disk of the data"),
            (ProcessState::Gone, Level::Warning, "Run again"),
        ] {
            let (found, words) = at_work(7, state);
            assert_eq!(found, level, "{state:?}");
            assert!(words.contains(advice), "{state:?}: {words}");
        }
    }
}
