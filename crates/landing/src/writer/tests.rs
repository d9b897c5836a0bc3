use claimlake_contract::ResourceType;

use super::{MOST_KEPT, WriterOptions};
use crate::test_zone::{Zone, writer};

#[test]
fn a_frame_larger_than_the_buffer_that_is_kept_is_read_back_and_so_is_the_next() {
    let zone = Zone::new();
    let coverage = ResourceType::coverage();
    let mut writer = writer(&zone.layout, &coverage, "0001", WriterOptions::default()).unwrap();
    let large = format!("{{\"pad\":\"{}\"}}\n", "x".repeat(MOST_KEPT));
    for lines in [&large, "{}\n"] {
        let written = writer.append_frame(lines.as_bytes(), 1).unwrap();
        assert!(written.frame.length > 0);
        assert!(writer.compressed.capacity() <= MOST_KEPT);
    }
    writer.seal(Vec::new()).unwrap();
    let lines = zone.lines().remove(0).1;
    assert_eq!(lines, [large.trim_end(), "{}"]);
}
