//! Reads files and standard input, with a size limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;

use crate::yaml;

/// The size limit of a file. 10,000 objects are about 40 MB.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// The beginning of a Git LFS pointer (`git-lfs/docs/spec.md`).
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The beginning of a file that git-crypt encrypted.
const GIT_CRYPT: &[u8] = b"\0GITCRYPT\0";

/// The error for a file encrypted by git-crypt.
pub(super) const LOCKED: &str =
    "this file is encrypted by git-crypt and locked: run `git-crypt unlock` to compare it";

/// Returns the bytes of a regular file.
///
/// # Errors
/// Fails with a message for the user.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, String> {
    // Opening a pipe would wait for its writer.
    if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err("this is not a regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| reason(&error))?;
    // The open file is checked too, because the path may lead to another file in the meantime.
    let metadata = file.metadata().map_err(|error| reason(&error))?;
    if !metadata.is_file() {
        return Err("this is not a regular file".to_owned());
    }
    if metadata.len() > MAX_BYTES {
        return Err(too_large());
    }
    stream(file)
}

/// Returns the text of a file; `None` if it cannot be read or decoded.
pub(super) fn text_of(path: &Path) -> Option<String> {
    yaml::decode(file(path).ok()?).ok()
}

/// Returns the bytes of standard input. It can be read only once, so it is kept for further
/// callers: the same manifests may be compared with several clusters.
///
/// # Errors
/// Fails with a message for the user.
pub(super) fn stdin() -> Result<Vec<u8>, String> {
    static STDIN: OnceLock<Result<Vec<u8>, String>> = OnceLock::new();
    STDIN.get_or_init(|| stream(io::stdin().lock())).clone()
}

/// Returns the bytes of a stream up to its end.
pub(super) fn stream(input: impl Read) -> Result<Vec<u8>, String> {
    bounded(input, MAX_BYTES)
}

fn bounded(input: impl Read, max: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    input
        .take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| reason(&error))?;
    if bytes.len() as u64 > max {
        return Err(too_large());
    }
    manifest(bytes)
}

/// Returns the bytes, unless they stand for other content.
///
/// # Errors
/// Fails for a Git LFS pointer, and for a file encrypted by git-crypt, with a message for the user.
pub(super) fn manifest(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.starts_with(LFS_POINTER) {
        return Err(
            "this is a Git LFS pointer, not the manifest itself: run `git lfs pull`".to_owned(),
        );
    }
    if bytes.starts_with(GIT_CRYPT) {
        return Err(LOCKED.to_owned());
    }
    Ok(bytes)
}

/// Returns the message about a file that is larger than [`MAX_BYTES`].
pub(super) fn too_large() -> String {
    format!(
        "this is larger than {} MiB: split it into several files",
        MAX_BYTES >> 20
    )
}

/// Returns why a file or directory cannot be read.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory: check the path".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: check the file's mode".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_endless_streams() {
        let message = bounded(io::repeat(b' '), 1 << 20).unwrap_err();
        assert!(message.contains("256 MiB"), "{message}");
    }

    #[test]
    fn lfs_pointers_are_errors() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
        assert!(stream(&pointer[..]).unwrap_err().contains("git lfs pull"));
    }

    #[test]
    fn files_encrypted_by_git_crypt_are_errors() {
        let locked = b"\0GITCRYPT\0\x01\x02";
        assert_eq!(stream(&locked[..]).unwrap_err(), LOCKED);
    }
}
