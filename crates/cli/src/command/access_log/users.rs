//! The names of the users that lines of the access log name by number.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use claimlake_vault::user_name;

/// The users of this machine, each looked up once.
#[derive(Debug, Default)]
pub(super) struct Users(BTreeMap<u32, Option<String>>);

impl Users {
    /// The name of `uid 1000`; `None` if this machine knows none.
    pub(super) fn name(&mut self, who: &str) -> Option<String> {
        let uid = who.strip_prefix("uid ")?.parse().ok()?;
        let found = self.0.entry(uid).or_insert_with(|| {
            // Users of a directory service are in no file.
            user_name(uid).or_else(|| from_the_system(uid))
        });
        found.clone()
    }
}

fn from_the_system(uid: u32) -> Option<String> {
    let output = Command::new("getent")
        .args(["passwd", &uid.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let name = line.split(':').next()?;
    let is_plain = !name.is_empty() && !name.chars().any(char::is_control);
    (output.status.success() && is_plain).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Users;

    #[test]
    fn a_number_has_a_name_where_the_machine_knows_one() {
        let mut users = Users::default();
        assert_eq!(users.name("uid 0").as_deref(), Some("root"));
        for unknown in ["uid 4294967294", "uid", "0", "uid x", ""] {
            assert_eq!(users.name(unknown), None, "{unknown}");
        }
    }
}
