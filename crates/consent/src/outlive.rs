//! Whether the broker can outlive a run here, and what memory tells others: facts for `doctor`.

use std::path::Path;

use claimlake_vault::TokenLock;
use rustix::process::{Resource, Rlimit, getpid, setrlimit};
use serde::Serialize;

use super::broker::{ProcessState, process_state};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BrokerFact {
    /// What was looked at, in a word or two.
    pub what: &'static str,
    /// Whether it is as it should be; none where it could not be found out.
    pub good: Option<bool>,
    /// What was found, what it can cost and what mends it.
    pub words: String,
}

/// Inode of the first PID namespace of a machine (`PROC_PID_INIT_INO` of Linux).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";
const PID_NAMESPACE: &str = "/proc/self/ns/pid";

/// File systems whose locks or shared memory do not hold between machines.
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

/// Looks at everything that can end the broker together with a run, or let two brokers run.
#[must_use]
pub fn broker_facts(data_dir: &Path) -> Vec<BrokerFact> {
    let mut facts = vec![
        pid_namespace(),
        memory_group(),
        file_system(data_dir),
        session_leader(),
    ];
    facts.extend(running(data_dir));
    facts
}

/// The process that uses the tokens now, where there is one.
fn running(data_dir: &Path) -> Option<BrokerFact> {
    let pid = TokenLock::holder(data_dir)?;
    let what = "process at work";
    let state = process_state(pid);
    Some(match state {
        ProcessState::Other => fact(
            what,
            true,
            &format!("process {pid} uses the tokens of this data directory now"),
        ),
        state => fact(
            what,
            false,
            &format!(
                "process {pid} uses the tokens of this data directory, and {}: every command that \
                 needs a token waits for it. {}",
                state.words(),
                state.advice(pid)
            ),
        ),
    })
}

fn pid_namespace() -> BrokerFact {
    let what = "PID namespace";
    let Ok(namespace) = std::fs::read_link(PID_NAMESPACE) else {
        return unknown(
            what,
            "this system does not tell; on Linux it is in /proc/self/ns/pid",
        );
    };
    if namespace.as_os_str() == FIRST_PID_NAMESPACE {
        return fact(
            what,
            true,
            "the run is in no container of its own: the broker outlives it; a power cut can still \
             cost the consents being refreshed at that instant (32 at most)",
        );
    }
    // As PID 1, the program supervises and the work is done in a child of it.
    let name_of = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    if getpid().is_init() || (name_of("1").is_some() && name_of("1") == name_of("self")) {
        return fact(
            what,
            true,
            "claimlake is PID 1 of this container and waits for the broker; a SIGKILL of the \
             whole container can still cost the consents being refreshed at that instant (16 at \
             most): give it 120 seconds to stop (docker stop -t 120)",
        );
    }
    fact(
        what,
        false,
        "another program is PID 1 of this container: when it ends, the kernel kills the broker, \
         which can cost the consents being refreshed at that instant; make claimlake the \
         container's entry point, without --init and without a shell around it",
    )
}

/// Whether the kernel lets the broker live when the run it works for is killed or its container is.
pub(crate) fn broker_outlives_its_run() -> bool {
    let is_here = |namespace: std::path::PathBuf| namespace.as_os_str() == FIRST_PID_NAMESPACE;
    let in_first = std::fs::read_link(PID_NAMESPACE).is_ok_and(is_here);
    in_first && killed_as_a_group() != Some(true)
}

/// Whether the kernel kills all of this process's cgroup when its memory runs out.
fn killed_as_a_group() -> Option<bool> {
    let text = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let setting = Path::new("/sys/fs/cgroup")
        .join(group.trim_start_matches('/'))
        .join("memory.oom.group");
    match std::fs::read_to_string(setting).ok()?.trim() {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn memory_group() -> BrokerFact {
    let what = "memory.oom.group";
    match killed_as_a_group() {
        Some(true) => fact(
            what,
            false,
            "when memory runs out, the kernel kills the broker together with the run: set \
             memory.oom.group to 0, or give the run more memory",
        ),
        Some(false) => fact(
            what,
            true,
            "when memory runs out, the kernel kills one process alone",
        ),
        None => unknown(what, "the cgroup of this process has no such setting"),
    }
}

fn file_system(data_dir: &Path) -> BrokerFact {
    let what = "file system of --data";
    let Ok(found) = rustix::fs::statfs(data_dir) else {
        return unknown(what, "the data directory cannot be looked at");
    };
    // The kernel's type of this number differs between machines; its 32 bits do not.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
    let kind = (found.f_type as i64) & 0xffff_ffff;
    match NETWORK_FILE_SYSTEMS
        .iter()
        .find(|(number, _)| *number == kind)
    {
        Some((_, name)) => fact(
            what,
            false,
            &format!(
                "it is {name}: locks and the vault's shared memory may not hold between machines, \
                 so two brokers could use a token twice; choose a local --data directory"
            ),
        ),
        None => fact(what, true, "it is local"),
    }
}

fn session_leader() -> BrokerFact {
    let what = "service manager";
    if std::env::var_os("INVOCATION_ID").is_none() {
        return fact(what, true, "the run is not a unit of systemd");
    }
    fact(
        what,
        true,
        "the run is a unit of systemd: stopping it sends SIGTERM to the broker too, which then \
         finishes; leave TimeoutStopSec at 90 seconds or more, and SendSIGKILL for the run alone",
    )
}

fn fact(what: &'static str, good: bool, words: &str) -> BrokerFact {
    BrokerFact {
        what,
        good: Some(good),
        words: words.to_owned(),
    }
}

fn unknown(what: &'static str, words: &str) -> BrokerFact {
    BrokerFact {
        what,
        good: None,
        words: words.to_owned(),
    }
}

/// Keeps this process's memory, and with it tokens, out of core files. To be called first in
/// `main`; the broker does it by itself.
pub fn keep_out_of_core_files() {
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Where it is refused, core files stay as the system has them.
    let _ = setrlimit(Resource::Core, nothing);
}

#[cfg(test)]
mod tests {
    use super::broker_facts;

    #[test]
    fn every_fact_says_what_was_found() {
        let data = tempfile::tempdir().unwrap();
        let facts = broker_facts(data.path());
        assert_eq!(facts.len(), 4);
        assert!(facts.iter().all(|fact| !fact.words.is_empty()));
        let local = facts.iter().find(|fact| fact.what.contains("file system"));
        assert_eq!(local.unwrap().good, Some(true));
    }

    #[test]
    fn a_data_directory_that_is_not_there_is_unknown_and_not_good() {
        let facts = broker_facts(std::path::Path::new("/nowhere/at/all"));
        let gone = facts.iter().find(|fact| fact.what.contains("file system"));
        assert_eq!(gone.unwrap().good, None);
    }
}
