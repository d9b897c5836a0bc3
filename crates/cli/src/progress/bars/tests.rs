use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use claimlake_contract::Progress as _;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

use super::super::line::Shown;
use super::Bars;

/// Every stage: what it is called, its unit, and whether it knows how much there is.
const STAGES: [(&str, &str, Option<u64>, &str); 9] = [
    (
        "extracting",
        "patients",
        Some(60_000),
        "225 pages/s, waiting for the rate limit, 9 resources/s",
    ),
    ("consenting", "patients", Some(12), ""),
    ("importing", "resources", None, ""),
    ("transform", "bytes", Some(153_400_000), ""),
    ("building tables", "tables", Some(36), ""),
    ("publishing", "snapshots", Some(1), ""),
    ("reading landing", "bytes", Some(9_000_000_000), ""),
    ("reading the lake", "bytes", Some(12), ""),
    ("reading", "resources", None, ""),
];

/// A terminal of so many columns that keeps what is written to it.
#[derive(Debug, Clone, Default)]
struct Terminal {
    width: Arc<AtomicUsize>,
    written: Arc<Mutex<Vec<String>>>,
}

impl Terminal {
    fn keep(&self, text: &str) -> io::Result<()> {
        self.written.lock().unwrap().push(text.to_owned());
        Ok(())
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        u16::try_from(self.width.load(Ordering::Relaxed)).unwrap()
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.keep(text)
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.keep(text)
    }
    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

fn bars(terminal: &Terminal) -> Bars {
    let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
    let width = Arc::clone(&terminal.width);
    let width = Arc::new(move || width.load(Ordering::Relaxed));
    Bars::of_width(MultiProgress::with_draw_target(target), width)
}

/// What a stage wrote that is not blank.
fn lines_of(terminal: &Terminal) -> Vec<String> {
    let written = std::mem::take(&mut *terminal.written.lock().unwrap());
    let lines = written.iter().map(|text| text.trim_end().to_owned());
    lines.filter(|line| !line.is_empty()).collect()
}

fn columns(line: &str) -> usize {
    line.chars().count()
}

#[test]
fn no_line_of_any_stage_is_wider_than_the_terminal() {
    for (what, unit, total, note) in STAGES {
        let terminal = Terminal::default();
        let bars = bars(&terminal);
        for width in [80, 40, 20, 3] {
            terminal.width.store(width, Ordering::Relaxed);
            let task = bars.begin(what, unit, total);
            bars.note(task, note);
            for _ in 0..4 {
                bars.advance(task, total.unwrap_or(4_000) / 4);
                bars.with(task, |bar| bar.shown.force_draw());
            }
            bars.end(task);
            let lines = lines_of(&terminal);
            assert!(!lines.is_empty(), "{what} at {width}: nothing is shown");
            for line in lines {
                assert!(columns(&line) <= width, "{what} at {width}: {line:?}");
            }
        }
    }
}

#[test]
fn a_line_says_what_how_much_how_fast_and_how_long() {
    let shown = Shown {
        what: "extracting",
        unit: "patients",
        done: 12,
        total: Some(60),
        rate: 1.2,
        note: "225 pages/s, at most 30 requests/s, 9000 resources/s",
        left: Some(Duration::from_secs(2)),
    };
    let bar = "====>                   ";
    for (width, line) in [
        (
            130,
            format!(
                "extracting [{bar}] 12/60 patients, 225 pages/s, 2 s left, at most 30 requests/s, \
                 9000 resources/s"
            ),
        ),
        (
            79,
            "extracting [=>   ] 12/60 patients, 225 pages/s, 2 s left, at most 30 requests/s"
                .into(),
        ),
        (
            60,
            "extracting [=>       ] 12/60 patients, 225 pages/s, 2 s left".into(),
        ),
        (39, "extracting 12/60 patients, 225 pages/s".into()),
        (19, "extracting 12/60 p…".into()),
        (0, String::new()),
    ] {
        assert_eq!(shown.line(width), line, "{width}");
    }
    // Of bytes, and without a note, the rate is that of the work itself.
    let bytes = Shown {
        what: "transform",
        unit: "bytes",
        done: 77_000_000,
        total: Some(154_000_000),
        rate: 38_500_000.0,
        note: "",
        left: Some(Duration::from_secs(3725)),
    };
    let line = "transform [============>           ] 77.0 MB/154.0 MB, 38.5 MB/s, 1 h 2 min left";
    assert_eq!(bytes.line(81), line);
    let counted = Shown {
        what: "importing",
        unit: "resources",
        done: 1_204,
        total: None,
        rate: 300.4,
        note: "",
        left: None,
    };
    assert_eq!(
        counted.line(79),
        "importing 1,204 resources, 300 resources/s"
    );
}

#[test]
fn every_rate_has_a_unit() {
    for (what, unit, total, note) in STAGES {
        for rate in [0.0, 0.3, 7.0, 4_321.0] {
            let shown = Shown {
                what,
                unit,
                done: 3,
                total,
                rate,
                note,
                left: None,
            };
            let line = shown.line(200);
            for (at, _) in line.match_indices("/s") {
                let before = line[..at].chars().next_back().unwrap();
                assert!(before.is_ascii_alphabetic(), "{line}");
            }
            assert!(line.matches("/s").count() <= 2, "{line}");
            let own = unit != "bytes" && note.is_empty() && rate > 0.0;
            assert!(!own || line.contains(&format!(" {unit}/s")), "{line}");
        }
    }
}
