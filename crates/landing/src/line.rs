//! A resource as a line of a part.

/// Appends `text` and a newline. Line breaks inside, which JSON has only between its tokens, become
/// spaces.
pub fn push_line(lines: &mut Vec<u8>, text: &[u8]) {
    let start = lines.len();
    lines.extend_from_slice(text);
    if memchr::memchr2(b'\n', b'\r', text).is_some() {
        for byte in &mut lines[start..] {
            if matches!(byte, b'\n' | b'\r') {
                *byte = b' ';
            }
        }
    }
    lines.push(b'\n');
}
