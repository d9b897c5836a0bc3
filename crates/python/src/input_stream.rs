//! Batches that Python gives, by Arrow's C stream interface.

use std::ffi::CStr;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::capsule::Reader;
use crate::failure::{Failure, Kind};

const NAME: &CStr = c"arrow_array_stream";

/// The stream of an object with `__arrow_c_stream__`.
pub(crate) fn reader_of(object: &Bound<'_, PyAny>) -> PyResult<Reader> {
    let capsule = object.call_method0("__arrow_c_stream__")?;
    let capsule = capsule.cast::<PyCapsule>().map_err(|_| {
        Failure::new(
            Kind::Input,
            "__arrow_c_stream__ returned no capsule of Arrow's",
        )
    })?;
    let pointer = capsule.pointer_checked(Some(NAME))?;
    let pointer = pointer.as_ptr().cast::<FFI_ArrowArrayStream>();
    #[expect(unsafe_code, reason = "the C stream interface hands over a pointer")]
    // SAFETY: a capsule of this name points to a stream by the protocol; `from_raw` moves the stream out
    // and marks it as released, so the capsule does not release it again.
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer) };
    let reader = arrow_array::ffi_stream::RecordBatchStreamReader::try_new(stream);
    let reader = reader.map_err(|error| {
        let words = format!(
            "the Arrow stream has no batches: give a table or a frame, not one column ({error})"
        );
        Failure::new(Kind::Input, words)
    })?;
    Ok(Box::new(reader))
}
