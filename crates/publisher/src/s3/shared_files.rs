//! The files `credentials` and `config` that AWS's own tools share, as far as they hold keys, a
//! region or an endpoint. <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::path::{Path, PathBuf};

/// What the profile says.
#[derive(Default)]
pub(super) struct SharedFiles {
    /// The access key and its secret.
    pub(super) key: Option<(String, String)>,
    pub(super) token: Option<String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

/// Reads the profile that `AWS_PROFILE` names, else `default`. Files that are not there say nothing.
pub(super) fn read(variable: &dyn Fn(&str) -> Option<String>, home: Option<&Path>) -> SharedFiles {
    let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let path = |name: &str, file: &str| {
        let given = variable(name).map(PathBuf::from);
        given.or_else(|| Some(home?.join(".aws").join(file)))
    };
    let text = |path: Option<PathBuf>| {
        path.and_then(|path| std::fs::read_to_string(path).ok())
            .unwrap_or_default()
    };
    let credentials = text(path("AWS_SHARED_CREDENTIALS_FILE", "credentials"));
    let config = text(path("AWS_CONFIG_FILE", "config"));
    let of_config = match profile.as_str() {
        "default" => profile.clone(),
        named => format!("profile {named}"),
    };
    let value = |key: &str| {
        setting(&credentials, &profile, key).or_else(|| setting(&config, &of_config, key))
    };
    SharedFiles {
        key: value("aws_access_key_id").zip(value("aws_secret_access_key")),
        token: value("aws_session_token"),
        region: value("region"),
        endpoint: value("endpoint_url"),
    }
}

/// The value of a key in a section. Lines that are indented belong to the setting above them.
fn setting(text: &str, section: &str, key: &str) -> Option<String> {
    let mut is_in_section = false;
    for line in text.lines() {
        if let Some(name) = line.trim().strip_prefix('[') {
            let name = name.split(']').next().unwrap_or_default();
            is_in_section = name.split_whitespace().eq(section.split_whitespace());
            continue;
        }
        if !is_in_section || line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        if let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case(key)
            && !value.trim().is_empty()
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_profile_is_read_from_both_files() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".aws");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(
            folder.join("credentials"),
            "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B\n\n[team]\naws_access_key_id = C\n\
             aws_secret_access_key = D=\naws_session_token = E\n",
        )
        .unwrap();
        std::fs::write(
            folder.join("config"),
            "[default]\nregion = eu-central-1\ns3 =\n  endpoint_url = https://no.example\n\
             [profile team]\nregion=us-west-2\nendpoint_url = https://minio.example\n",
        )
        .unwrap();
        let none = |_: &str| None;
        let own = read(&none, Some(home.path()));
        assert_eq!(own.key, Some(("A".into(), "B".into())));
        assert_eq!((own.token, own.endpoint), (None, None));
        assert_eq!(own.region.as_deref(), Some("eu-central-1"));
        let team = |name: &str| (name == "AWS_PROFILE").then(|| "team".to_owned());
        let team = read(&team, Some(home.path()));
        assert_eq!(team.key, Some(("C".into(), "D=".into())));
        assert_eq!(team.token.as_deref(), Some("E"));
        assert_eq!(team.region.as_deref(), Some("us-west-2"));
        assert_eq!(team.endpoint.as_deref(), Some("https://minio.example"));
        assert!(read(&none, None).key.is_none());
    }
}
