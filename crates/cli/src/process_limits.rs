//! What this host does with the processes of a run: whether it kills the broker together with the
//! run, and who can read their memory.

use std::path::{Path, PathBuf};

use claimlake_consent::BrokerLifetime;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Inode of the first PID namespace of a machine (`PROC_PID_INIT_INO` of Linux).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// Whether the kernel lets the broker live when its run is killed or its container ends.
pub(crate) fn broker_lifetime() -> BrokerLifetime {
    match in_first_pid_namespace() == Some(true) && killed_as_a_group() != Some(true) {
        true => BrokerLifetime::OutlivesRun,
        false => BrokerLifetime::MayEndWithRun,
    }
}

/// Whether this process is outside of every container; `None` where the system does not say.
pub(crate) fn in_first_pid_namespace() -> Option<bool> {
    let namespace: PathBuf = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(namespace.as_os_str() == FIRST_PID_NAMESPACE)
}

/// Whether the kernel kills all of this process's cgroup when its memory runs out.
pub(crate) fn killed_as_a_group() -> Option<bool> {
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

/// Keeps this process's memory, and with it tokens, out of core files. To be called first in
/// `main`.
pub(crate) fn keep_out_of_core_files() {
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // If this is refused, the system's setting for core files applies.
    let _ = setrlimit(Resource::Core, nothing);
}
