//! The text of a SQL view: one query, in which a relation of the lake is `{table (column, …)}`.

use super::names::is_plain;

/// A query without comments and line breaks, and the tables that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SqlText {
    pub(super) pieces: Vec<Piece>,
}

/// A part of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// SQL as written.
    Sql(String),
    /// What is read.
    Relation(Relation),
}

/// A table or another SQL view, and the columns that are read of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
    /// Whether only the rows of current resources are meant: `{current.table (column, …)}`.
    pub(super) is_current: bool,
}

const FORM: &str = "a relation is written {table (column, …)} or {current.table (column, …)}";

impl SqlText {
    /// # Errors
    /// What is wrong with the text, in words.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut sql = String::new();
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let (token, after) = if next.is_whitespace() || starts_comment(rest) {
                (Token::Space, skip_space(rest)?)
            } else if matches!(next, '\'' | '"' | '`') {
                let (quoted, after) = take_quoted(rest, next)?;
                (Token::Sql(quoted), after)
            } else if next == '{' {
                let (inner, after) = rest[1..].split_once('}').ok_or(FORM)?;
                (Token::Relation(relation(inner)?), after)
            } else {
                let (one, after) = rest.split_at(next.len_utf8());
                (Token::Sql(one), after)
            };
            match token {
                Token::Space if sql.ends_with(' ') || (sql.is_empty() && pieces.is_empty()) => {}
                Token::Space => sql.push(' '),
                Token::Sql("}") => return Err(FORM.to_owned()),
                Token::Sql(text) => sql.push_str(text),
                Token::Relation(relation) => {
                    pieces.push(Piece::Sql(std::mem::take(&mut sql)));
                    pieces.push(Piece::Relation(relation));
                }
            }
            rest = after;
        }
        let last = sql.trim_end();
        let last = last.strip_suffix(';').unwrap_or(last).trim_end();
        pieces.push(Piece::Sql(last.to_owned()));
        let text = Self { pieces };
        text.check()?;
        Ok(text)
    }

    /// The relations that it reads.
    pub(super) fn relations(&self) -> impl Iterator<Item = &Relation> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Relation(relation) => Some(relation),
            Piece::Sql(_) => None,
        })
    }

    fn check(&self) -> Result<(), String> {
        let Some(Piece::Sql(first)) = self.pieces.first() else {
            return Err("it is empty".to_owned());
        };
        let word: String = first
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect();
        if !["SELECT", "WITH"].contains(&word.to_ascii_uppercase().as_str()) {
            return Err("it is to be one query, which begins with SELECT or WITH".to_owned());
        }
        if self.has_semicolon() {
            return Err("it is to be one query, without a semicolon within".to_owned());
        }
        Ok(())
    }

    fn has_semicolon(&self) -> bool {
        self.pieces.iter().any(|piece| {
            let Piece::Sql(mut sql) = piece.clone() else {
                return false;
            };
            // Every quoted text was found to be complete before.
            while let Some(at) = sql.find(['\'', '"', '`']) {
                let quote = sql[at..].chars().next().unwrap_or_default();
                let Ok((_, after)) = take_quoted(&sql[at..], quote) else {
                    return false;
                };
                sql = format!("{}{after}", &sql[..at]);
            }
            sql.contains(';')
        })
    }
}

enum Token<'t> {
    Space,
    Sql(&'t str),
    Relation(Relation),
}

fn starts_comment(text: &str) -> bool {
    text.starts_with("--") || text.starts_with("/*")
}

/// The text after white space and comments.
fn skip_space(text: &str) -> Result<&str, String> {
    let mut rest = text.trim_start();
    while starts_comment(rest) {
        rest = if rest.starts_with("--") {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else {
            let closed = rest.split_once("*/").ok_or("a comment is not closed")?;
            closed.1
        };
        rest = rest.trim_start();
    }
    Ok(rest)
}

/// The text from a quote to its end, quotes included, and the rest.
fn take_quoted(text: &str, quote: char) -> Result<(&str, &str), String> {
    let mut from = quote.len_utf8();
    loop {
        let end = text[from..]
            .find(quote)
            .ok_or_else(|| format!("a {quote} has no end"))?;
        from += end + quote.len_utf8();
        // A doubled quote is a quote character within the text.
        if !text[from..].starts_with(quote) {
            break;
        }
        from += quote.len_utf8();
    }
    let (quoted, after) = text.split_at(from);
    if quoted.contains('\n') {
        return Err("a text between quotes has a line break".to_owned());
    }
    Ok((quoted, after))
}

fn relation(inner: &str) -> Result<Relation, String> {
    let wrong = || format!("{{{inner}}}: {FORM}");
    let (name, columns) = inner.split_once('(').ok_or_else(wrong)?;
    let columns = columns.trim_end().strip_suffix(')').ok_or_else(wrong)?;
    let name = name.trim();
    let (is_current, name) = match name.strip_prefix("current.") {
        Some(name) => (true, name),
        None => (false, name),
    };
    let columns: Vec<String> = columns
        .split(',')
        .map(|column| column.trim().to_owned())
        .collect();
    if !is_plain(name) || !columns.iter().all(|column| is_plain(column)) {
        return Err(wrong());
    }
    Ok(Relation {
        name: name.to_owned(),
        columns,
        is_current,
    })
}

#[cfg(test)]
mod tests {
    use super::{Piece, SqlText};

    fn flat(text: &str) -> String {
        let parsed = SqlText::parse(text).unwrap();
        let piece = |piece: &Piece| match piece {
            Piece::Sql(sql) => sql.clone(),
            Piece::Relation(relation) => format!(
                "<{}{}:{}>",
                if relation.is_current { "current " } else { "" },
                relation.name,
                relation.columns.join("+")
            ),
        };
        parsed.pieces.iter().map(piece).collect()
    }

    #[test]
    fn a_query_loses_comments_and_line_breaks_and_nothing_else() {
        let text = "-- About it.\nSELECT a, /* not\nb */ 'it''s -- ; {no}',\n  \"x\"\nFROM {claim (a, b)} AS c -- end\n\
                    JOIN {current.claim(\n a )}\n;\n";
        assert_eq!(
            flat(text),
            "SELECT a, 'it''s -- ; {no}', \"x\" FROM <claim:a+b> AS c JOIN <current claim:a>"
        );
    }

    #[test]
    fn what_is_no_single_query_of_relations_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "begins with SELECT"),
            ("DROP TABLE x", "begins with SELECT"),
            ("SELECT 1; SELECT 2", "without a semicolon"),
            ("SELECT 1 FROM {claim}", "{table (column, …)}"),
            ("SELECT 1 FROM {claim ()}", "{table (column, …)}"),
            ("SELECT 1 FROM {cl aim (a)}", "{table (column, …)}"),
            ("SELECT 1 FROM {claim (a)", "{table (column, …)}"),
            ("SELECT 1 }", "{table (column, …)}"),
            ("SELECT 'a", "has no end"),
            ("SELECT 'a\nb'", "line break"),
            ("SELECT 1 /* a", "not closed"),
        ] {
            let said = SqlText::parse(text).unwrap_err();
            assert!(said.contains(reason), "{text}: {said}");
        }
    }
}
