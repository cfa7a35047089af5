//! Decodes bytes to text.

use super::YamlProblem;
use crate::model::Position;

/// Returns the text of a file: UTF-8, or UTF-16 with a byte order mark, as YAML allows. The mark
/// itself is removed.
///
/// # Errors
/// Fails if the bytes are not in that encoding. kubectl silently uses replacement characters, and
/// so sends something other than what the file says.
pub fn decode(bytes: Vec<u8>) -> Result<String, YamlProblem> {
    if bytes.starts_with(&[0xff, 0xfe]) {
        return utf16(&bytes[2..], u16::from_le_bytes);
    }
    if bytes.starts_with(&[0xfe, 0xff]) {
        return utf16(&bytes[2..], u16::from_be_bytes);
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let valid = String::from_utf8_lossy(valid);
        YamlProblem::fatal(
            end_of(&valid),
            "this byte is not UTF-8: save the file as UTF-8",
        )
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Decodes UTF-16, after its byte order mark.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, YamlProblem> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(character) => text.push(character),
            Err(_) => return Err(broken_utf16(&text)),
        }
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(broken_utf16(&text))
    }
}

fn broken_utf16(text: &str) -> YamlProblem {
    YamlProblem::fatal(
        end_of(text),
        "this is not UTF-16, though the file's byte order mark says so: save the file as UTF-8",
    )
}

/// Returns the position after the last character.
fn end_of(text: &str) -> Position {
    let last = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    Position {
        line: 1 + text.replace("\r\n", "\n").matches(['\n', '\r']).count(),
        column: 1 + last.chars().count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_byte_order_marks() {
        assert_eq!(decode(b"\xef\xbb\xbfa".to_vec()).unwrap(), "a");
        assert_eq!(decode(b"\xff\xfea\0".to_vec()).unwrap(), "a");
        assert_eq!(decode(b"\xfe\xff\0a".to_vec()).unwrap(), "a");
    }

    #[test]
    fn reports_the_line_of_invalid_bytes() {
        let problem = decode(b"a: 1\r\nb: \xe9\n".to_vec()).unwrap_err();
        assert_eq!((problem.position.line, problem.position.column), (2, 4));
        let lone_surrogate = b"\xff\xfea\0\n\0\0\xd8".to_vec();
        assert_eq!(decode(lone_surrogate).unwrap_err().position.line, 2);
        assert!(decode(b"\xff\xfea".to_vec()).is_err());
    }
}
