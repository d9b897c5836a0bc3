//! The names of the system's users.

use std::fs;

const USERS: &str = "/etc/passwd";

/// The name of a user of this machine, by number; `None` if the list of users has none, such as in
/// a container.
#[must_use]
pub fn user_name(uid: u32) -> Option<String> {
    name_in(&fs::read_to_string(USERS).ok()?, uid)
}

fn name_in(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        let is_plain = !name.is_empty() && !name.chars().any(char::is_control);
        (number == uid && is_plain).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::name_in;

    #[test]
    fn a_user_is_found_by_number_and_odd_lines_are_passed_over() {
        let users = "\n# a comment\n+::::::\nroot:x:0:0::/root:/bin/sh\nodd\u{1b}[2J:x:7:7::/:\n\
                     ops:x:1000:1000:,:/home/ops:/bin/sh\nsecond:x:1000:1000::/:/bin/sh\n";
        for (uid, name) in [
            (0, Some("root")),
            (1000, Some("ops")),
            (7, None),
            (99, None),
        ] {
            assert_eq!(name_in(users, uid).as_deref(), name, "{uid}");
        }
        assert_eq!(name_in("", 0), None);
    }
}
