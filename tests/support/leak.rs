//! Searches output for a secret: raw, encoded, and in pieces of eight bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Returns every form in which the secret could leak.
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

/// Returns the first piece of eight bytes of any form of the secret that a text contains.
pub fn leak(text: &str, secret: &str) -> Option<String> {
    let windows = |shape: String| -> Vec<String> {
        let bytes = shape.as_bytes();
        // An encoded byte takes two or three characters, so a piece has more characters.
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
