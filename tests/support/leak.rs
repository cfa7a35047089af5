//! Looks for a secret in what was shown: as it is, encoded, and in pieces of eight bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Returns every shape in which the secret could leave.
fn shapes(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
    let url: String = secret.bytes().map(|b| format!("%{b:02X}")).collect();
    let mut shapes = vec![secret.to_owned(), hex.clone(), hex.to_uppercase(), url];
    // Base64 looks different at each of three offsets.
    for skip in 0..3 {
        shapes.push(
            STANDARD
                .encode(&secret[skip..])
                .trim_end_matches('=')
                .to_owned(),
        );
    }
    shapes
}

/// Returns the first piece of eight bytes of a shape of the secret that a text holds.
pub fn leak(text: &str, secret: &str) -> Option<String> {
    let windows = |shape: String| -> Vec<String> {
        let bytes = shape.as_bytes();
        // Encoded, a byte is two or three characters: a piece is as many of them.
        let size = 8 * (bytes.len() / secret.len()).max(1);
        bytes
            .windows(size.min(bytes.len()))
            .filter_map(|piece| Some(std::str::from_utf8(piece).ok()?.to_owned()))
            .collect()
    };
    shapes(secret)
        .into_iter()
        .flat_map(windows)
        .find(|piece| text.contains(piece.as_str()))
}
