//! A line of `--log-format json` on stderr: one JSON object with `timestamp`, `level`, `message` and
//! whatever more there is to say.

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// The level of a line, as the log names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Warn,
    Error,
}

impl Level {
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The object, without a line break: the first line of `words` is the message, what follows are
/// `lines`, then come `fields`.
pub(crate) fn line(level: Level, words: &str, mut fields: Map<String, Value>) -> String {
    let mut lines = words.lines().map(squeezed).filter(|line| !line.is_empty());
    let message = lines.next().unwrap_or_default();
    let more: Vec<String> = lines.collect();
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let mut record = Map::new();
    record.insert("timestamp".into(), json!(now));
    record.insert("level".into(), json!(level.as_str()));
    record.insert("message".into(), json!(message));
    if !more.is_empty() {
        record.insert("lines".into(), json!(more));
    }
    for key in ["timestamp", "level", "message", "lines"] {
        fields.remove(key);
    }
    record.append(&mut fields);
    Value::Object(record).to_string()
}

/// Without the spaces that align columns.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{Level, line};

    #[test]
    fn words_of_several_lines_are_one_object_on_one_line() {
        let fields = json!({"exit": 3, "level": "none", "seconds": 0.5});
        let fields = fields.as_object().cloned().unwrap_or_default();
        let text = line(
            Level::Warn,
            "\nload       done\n  where     a b\n\n",
            fields,
        );
        assert!(!text.contains('\n'), "{text}");
        let record: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(record["level"], "WARN");
        assert_eq!(record["message"], "load done");
        assert_eq!(record["lines"], json!(["where a b"]));
        assert_eq!(record["exit"], 3);
        let at = record["timestamp"].as_str().unwrap();
        assert!(chrono::DateTime::parse_from_rfc3339(at).is_ok(), "{at}");
    }

    #[test]
    fn no_words_at_all_are_an_object_too() {
        let text = line(Level::Error, "", Map::new());
        let record: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&record["level"], &record["message"]),
            (&json!("ERROR"), &json!(""))
        );
    }
}
