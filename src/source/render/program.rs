//! Finds the programs that render.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// A program that renders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct RendererProgram {
    /// Its file, as an absolute path.
    pub file: PathBuf,
    /// Its name.
    pub name: String,
}

impl RendererProgram {
    /// Returns the program that the user names, or the first of `names` on the PATH.
    ///
    /// # Errors
    /// Fails if no program was found; `hint` says how to get one.
    pub fn find(named: Option<&Path>, names: &[&str], hint: &str) -> Result<Self, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if let Some(named) = named {
            let has_folder = named.components().count() > 1;
            let found = if has_folder {
                std::path::absolute(named)
                    .ok()
                    .filter(|file| is_program(file))
            } else {
                on_path(&path, named.as_os_str())
            };
            let message = || format!("{} is not an executable program", named.display());
            return found.map(Self::of).ok_or_else(message);
        }
        let found = names
            .iter()
            .find_map(|name| on_path(&path, OsStr::new(name)));
        found.map(Self::of).ok_or_else(|| hint.to_owned())
    }

    fn of(file: PathBuf) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        Self {
            name: name.into_owned(),
            file,
        }
    }
}

/// Returns the file with that name in the first directory of the PATH that has one. Relative
/// directories are skipped, because the current directory may be in an untrusted tree.
pub(super) fn on_path(path: &OsStr, name: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| {
            let plain = folder.join(name);
            let with_extension = plain.with_extension(std::env::consts::EXE_EXTENSION);
            [plain, with_extension]
        })
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    let Ok(metadata) = file.metadata() else {
        return false;
    };
    metadata.is_file() && is_executable(&metadata)
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_only_absolute_directories_of_the_path() {
        let found = on_path(OsStr::new(".:bin::/bin"), OsStr::new("sh"));
        assert_eq!(found, Some(PathBuf::from("/bin/sh")));
        assert_eq!(on_path(OsStr::new("."), OsStr::new("Cargo.toml")), None);
    }

    #[test]
    fn skips_files_that_are_not_executable() {
        let find = |file: &str| RendererProgram::find(Some(Path::new(file)), &[], "");
        let text = tempfile::NamedTempFile::new().unwrap();
        assert!(find(text.path().to_str().unwrap()).is_err());
        assert!(find("/nowhere/kustomize").is_err());
        assert_eq!(find("/bin/sh").unwrap().name, "sh");
        let hint = RendererProgram::find(None, &["no-such-program-anywhere"], "install it");
        assert_eq!(hint.unwrap_err(), "install it");
    }
}
