//! Writes files for the user: reports, the baseline, rules, messages.
//!
//! They may be in an untrusted tree, for example when a CI job writes its report into the checkout.
//! No link there is followed, and only regular files are opened.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Writes a file, replacing an existing one.
///
/// # Errors
/// Fails also if the path is a link or a pipe, or leads through a link below the current directory.
pub fn write(path: &Path, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if is_of_system(path) {
        return into(File::options().write(true).open(path)?, render).map(drop);
    }
    check(path)?;
    let there = path.symlink_metadata().ok();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".driftctl-report-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = folder.unwrap_or(Path::new("."));
    fs::metadata(folder)?;
    // A link that is created in the meantime is replaced, and not written through.
    let file = builder.tempfile_in(folder);
    let file = file.map_err(|error| io::Error::from(error.kind()))?;
    let file = into(file, render)?;
    if let Some(there) = there {
        fs::set_permissions(file.path(), there.permissions())?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Checks that a path leads to a regular file or does not exist, and contains no link.
///
/// # Errors
/// Fails if it does not.
pub fn check(path: &Path) -> io::Result<()> {
    if let Some(link) = linked(path) {
        let why = format!("{} is a link, which is not followed", link.display());
        return Err(refused(&format!("{why}: name the file itself")));
    }
    let there = path.symlink_metadata().ok();
    if there.is_some_and(|there| !there.is_file()) {
        return Err(refused("it is not a regular file: name another one"));
    }
    Ok(())
}

fn into<F: Write>(file: F, render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<F> {
    let mut out = BufWriter::new(file);
    render(&mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why.to_owned())
}

/// Returns whether a path is a device or a stream of the process (`/dev/null`, `/dev/fd/3`), which
/// is not in any tree.
fn is_of_system(path: &Path) -> bool {
    path.starts_with("/dev") && !path.starts_with("/dev/shm") || path.starts_with("/proc/self/fd")
}

/// Returns the first link on a path: the file itself, or a folder below the current directory.
/// Folders above existed before the tree.
fn linked(path: &Path) -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let absolute = here.join(path);
    let mut path_so_far = PathBuf::new();
    let mut last = absolute.components().count();
    for component in absolute.components() {
        path_so_far.push(component);
        last -= 1;
        let is_below = path_so_far.starts_with(&here) && path_so_far != here;
        let is_link = path_so_far
            .symlink_metadata()
            .is_ok_and(|found| found.is_symlink());
        if is_link && (last == 0 || is_below) {
            return Some(
                path_so_far
                    .strip_prefix(&here)
                    .unwrap_or(&path_so_far)
                    .to_owned(),
            );
        }
    }
    None
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn writes_to_regular_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let text = |out: &mut dyn Write| out.write_all(b"new");
        fs::write(at("old"), "old").unwrap();
        symlink(at("old"), at("link")).unwrap();
        write(&at("file"), text).unwrap();
        write(&at("file"), text).unwrap();
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        let error = write(&at("link"), text).unwrap_err();
        assert!(error.to_string().contains("is a link"), "{error}");
        assert_eq!(fs::read(at("old")).unwrap(), b"old");
        fs::create_dir(at("folder")).unwrap();
        assert!(write(&at("folder"), text).is_err());
        write(Path::new("/dev/null"), text).unwrap();
        let failed = write(&at("file"), |_| Err(io::ErrorKind::Other.into()));
        assert!(failed.is_err());
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
