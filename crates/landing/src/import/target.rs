//! Where imported resources go: one writer an API version and resource type.

use crate::line::push_line;
use std::collections::BTreeMap;

use claimlake_contract::{
    ApiVersion, LandingLayout, LandingOrigin, ReferenceRecord, ResourceType, RunId,
};

use crate::{LandingError, LandingWriter, WriterOptions};

const FRAME_BYTES: usize = 1 << 20;
/// Bytes of lines that all writers together may buffer.
const BUFFERED_BYTES: usize = 32 << 20;

pub(super) struct Target {
    layout: LandingLayout,
    run: RunId,
    writers: BTreeMap<(ApiVersion, ResourceType), Buffered>,
    buffered: usize,
}

struct Buffered {
    writer: LandingWriter,
    lines: Vec<u8>,
    count: u64,
    records: Vec<ReferenceRecord>,
}

impl Target {
    pub(super) fn new(layout: &LandingLayout, run: &RunId) -> Self {
        Self {
            layout: layout.clone(),
            run: run.clone(),
            writers: BTreeMap::new(),
            buffered: 0,
        }
    }

    /// Lands `text` as one line, with what its references were resolved to.
    pub(super) fn land(
        &mut self,
        api: ApiVersion,
        resource: &ResourceType,
        text: &[u8],
        records: Vec<ReferenceRecord>,
    ) -> Result<(), LandingError> {
        self.open(api, resource)?;
        let Some(buffered) = self.writers.get_mut(&(api, resource.clone())) else {
            return Ok(());
        };
        push_line(&mut buffered.lines, text);
        buffered.count += 1;
        let line = buffered.count;
        let of_line = records.into_iter();
        buffered
            .records
            .extend(of_line.map(|record| ReferenceRecord { line, ..record }));
        self.buffered += text.len() + 1;
        if buffered.lines.len() >= FRAME_BYTES {
            self.buffered -= buffered.lines.len();
            buffered.flush()?;
        } else if self.buffered >= BUFFERED_BYTES {
            self.writers.values_mut().try_for_each(Buffered::flush)?;
            self.buffered = 0;
        }
        Ok(())
    }

    /// Makes this type part of the run, with no line yet: its tables are made without rows.
    pub(super) fn open(
        &mut self,
        api: ApiVersion,
        resource: &ResourceType,
    ) -> Result<(), LandingError> {
        let key = (api, resource.clone());
        if !self.writers.contains_key(&key) {
            let writer = LandingWriter::create(
                &self.layout,
                api,
                resource,
                &self.run,
                LandingOrigin::Import,
                WriterOptions::default(),
            )?;
            let buffered = Buffered {
                writer,
                lines: Vec::new(),
                count: 0,
                records: Vec::new(),
            };
            self.writers.insert(key, buffered);
        }
        Ok(())
    }

    pub(super) fn seal(self) -> Result<BTreeMap<(ApiVersion, ResourceType), u64>, LandingError> {
        let mut landed = BTreeMap::new();
        for (key, mut buffered) in self.writers {
            buffered.flush()?;
            landed.insert(key, buffered.writer.lines());
            buffered.writer.seal(Vec::new())?;
        }
        Ok(landed)
    }
}

impl Buffered {
    fn flush(&mut self) -> Result<(), LandingError> {
        if self.count > 0 {
            self.writer
                .append_with_references(&self.lines, self.count, &self.records)?;
            self.lines.clear();
            self.records.clear();
            self.count = 0;
        }
        Ok(())
    }
}
