use claimlake_contract::{ApiVersion, LandingLayout, LandingOrigin, ResourceType, RunId};

use super::{LandingWriter, MOST_KEPT, WriterOptions};
use crate::{ChunkReader, mark_finished, sealed_runs};

#[test]
fn a_frame_larger_than_the_buffer_that_is_kept_is_read_back_and_so_is_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let layout = LandingLayout::in_data(folder.path());
    let run: RunId = "20261123T164012.345Z-0001".parse().unwrap();
    let mut writer = LandingWriter::create(
        &layout,
        ApiVersion::V2,
        &ResourceType::coverage(),
        &run,
        LandingOrigin::Extract,
        WriterOptions::default(),
    )
    .unwrap();
    let large = format!("{{\"pad\":\"{}\"}}\n", "x".repeat(MOST_KEPT));
    for lines in [&large, "{}\n"] {
        let written = writer.append_frame(lines.as_bytes(), 1).unwrap();
        assert!(written.frame.length > 0);
        assert!(writer.compressed.capacity() <= MOST_KEPT);
    }
    writer.seal(Vec::new()).unwrap();
    mark_finished(&layout, &run).unwrap();
    let sealed = sealed_runs(&layout).unwrap();
    let part = sealed[0].parts().next().unwrap();
    let mut text = Vec::new();
    for read in ChunkReader::new(&part, 1) {
        assert_eq!(read.damaged, []);
        read.chunks
            .iter()
            .for_each(|chunk| text.extend_from_slice(&chunk.bytes));
    }
    assert_eq!(text, format!("{large}{{}}\n").into_bytes());
}
