//! Keeps state between runs: how to undo a revert, and the drift that a watch saw.
//!
//! An undo record contains the earlier live values, including those of Secrets, so only the user
//! can read it (0600, in a folder with 0700).

mod episodes;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{FieldPath, ResourceKey};
pub use episodes::{EpisodeFile, StateContent, new_salt};

/// The name and version of the format.
const SCHEMA: &str = "driftctl.undo/v1";

/// The size limit of a record, in bytes.
const MOST: usize = 64 << 20;

/// The size limit of a record before another object is written, in bytes. The rest is for the
/// result of the write.
const MOST_BEFORE_WRITE: usize = 48 << 20;

/// How to undo an earlier revert.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoRecord {
    /// The name and version of this format.
    schema: String,
    /// Its ID.
    pub id: String,
    /// The kubeconfig context.
    pub context: Option<String>,
    /// The API server's address.
    pub server: Option<String>,
    /// The UID of the namespace `kube-system`, which no two clusters share.
    pub cluster: Option<String>,
    /// When the revert ran, in RFC 3339.
    pub time: String,
    /// Whether the revert was undone.
    #[serde(default)]
    pub undone: bool,
    /// The objects, in the order in which they were written.
    pub objects: Vec<UndoObject>,
}

/// How to restore one object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoObject {
    /// The API version of the write.
    pub api_version: String,
    /// The API group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The resource in URLs.
    pub plural: String,
    /// The namespace.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The object's UID when it was written.
    pub uid: Option<String>,
    /// What the revert did.
    pub done: UndoAction,
    /// The fields that were written.
    pub edits: Vec<UndoEdit>,
    /// The object as it was before, without fields that the server maintains.
    pub before: Option<Value>,
}

/// The action on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UndoAction {
    /// Fields were written.
    Patched,
    /// It was created.
    Created,
    /// It was deleted.
    Deleted,
}

/// One written field.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UndoEdit {
    /// The path.
    pub path: String,
    /// Its new value.
    pub after: Option<Value>,
    /// Its earlier value.
    pub before: Option<Value>,
    /// Its earlier owners.
    #[serde(default)]
    pub managers: Vec<String>,
    /// Whether the server changed it by itself, because of the other edits.
    #[serde(default)]
    pub by_server: bool,
}

impl UndoEdit {
    /// Returns the path.
    ///
    /// # Errors
    /// Fails if the record was edited by hand.
    pub fn field_path(&self) -> Result<FieldPath> {
        let path = &self.path;
        path.parse()
            .map_err(|error| anyhow!("the record contains an invalid path, {path}: {error}"))
    }
}

impl UndoObject {
    /// Returns the object.
    pub fn key(&self) -> ResourceKey {
        ResourceKey::new(
            self.group.clone(),
            self.kind.clone(),
            self.namespace.clone(),
            self.name.clone(),
        )
    }
}

/// The folder of the records.
#[derive(Debug, Clone)]
pub struct UndoRecords {
    folder: PathBuf,
}

impl UndoRecords {
    /// Returns the records of this user: in `$XDG_STATE_HOME`, or else in `~/.local/state`.
    ///
    /// # Errors
    /// Fails if neither is known.
    pub fn of_user() -> Result<Self> {
        let named = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
        let named = named.filter(|path| path.is_absolute());
        let home = || std::env::home_dir().map(|home| home.join(".local").join("state"));
        let Some(state) = named.or_else(home) else {
            bail!("no folder to save the undo record in; set XDG_STATE_HOME or HOME");
        };
        Ok(Self {
            folder: state.join("driftctl").join("undo"),
        })
    }

    /// Starts a record, before anything is written: if the folder cannot be written to, the revert
    /// must stop before it changes anything.
    ///
    /// # Errors
    /// Fails if the record cannot be saved.
    pub fn begin(
        &self,
        context: Option<&str>,
        server: Option<&str>,
        cluster: Option<&str>,
        now: Timestamp,
    ) -> Result<UndoRecord> {
        make_folder(&self.folder)?;
        let place = context.unwrap_or("cluster");
        let place: String = place
            .chars()
            .map(|c| {
                let is_plain = c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if is_plain { c } else { '-' }
            })
            .take(60)
            .collect();
        let place = place.trim_start_matches(['.', '-']);
        let base = format!("{place}-{}", now.strftime("%Y%m%dT%H%M%SZ"));
        let mut numbers = 1..;
        let id = loop {
            let id = match numbers.next() {
                Some(1) | None => base.clone(),
                Some(number) => format!("{base}-{number}"),
            };
            if !self.file(&id).exists() {
                break id;
            }
        };
        let record = UndoRecord {
            schema: SCHEMA.to_owned(),
            id,
            context: context.map(str::to_owned),
            server: server.map(str::to_owned),
            cluster: cluster.map(str::to_owned),
            time: now.to_string(),
            undone: false,
            objects: Vec::new(),
        };
        self.keep(&record)?;
        Ok(record)
    }

    /// Saves the current record.
    ///
    /// # Errors
    /// Fails if it cannot be written or is too large; then the earlier version of the record stays.
    pub fn keep(&self, record: &UndoRecord) -> Result<()> {
        self.keep_up_to(record, MOST)
    }

    /// Saves the current record before its last object is written.
    ///
    /// # Errors
    /// Fails like [`Self::keep`], also if there is no room for the result of the write.
    pub fn keep_before_write(&self, record: &UndoRecord) -> Result<()> {
        self.keep_up_to(record, MOST_BEFORE_WRITE)
    }

    fn keep_up_to(&self, record: &UndoRecord, most: usize) -> Result<()> {
        let file = self.file(&record.id);
        let write = || -> Result<()> {
            let mut text = serde_json::to_vec_pretty(record)?;
            text.push(b'\n');
            if text.len() > most {
                bail!(
                    "it would be larger than {} MiB; revert fewer objects at a time",
                    most >> 20
                );
            }
            // Readable by its owner only, and replaced atomically.
            let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
            new.write_all(&text)?;
            new.as_file().sync_all()?;
            new.persist(&file)?;
            Ok(())
        };
        write().with_context(|| format!("cannot save the undo record {}", file.display()))
    }

    /// Deletes a record.
    pub fn forget(&self, record: &UndoRecord) {
        // A leftover record does no harm.
        let _ = fs::remove_file(self.file(&record.id));
    }

    /// Returns all records, the latest first. Other files are skipped.
    ///
    /// # Errors
    /// Fails if the folder exists but cannot be read, or a record is too large.
    pub fn all(&self) -> Result<Vec<UndoRecord>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.folder)
            .with_context(|| format!("cannot read {}", self.folder.display()))?;
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let records = files.filter(|file| file.extension().is_some_and(|e| e == "json"));
        let mut records = records
            .filter_map(|file| match read(&file) {
                // It may be the latest.
                Err(problem) if is_too_large(&file) => Some(Err(problem)),
                read => read.ok().map(Ok),
            })
            .collect::<Result<Vec<UndoRecord>>>()?;
        records.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| b.id.cmp(&a.id)));
        Ok(records)
    }

    /// Returns the record with this ID.
    ///
    /// # Errors
    /// Fails if no record has this ID, or it cannot be read.
    pub fn find(&self, id: &str) -> Result<UndoRecord> {
        if id.contains(['/', '\\']) || id.starts_with('.') {
            bail!("{id} is not a valid revert ID; --list-undo lists them");
        }
        let file = self.file(id);
        if !file.exists() {
            bail!("no revert has the ID {id}; --list-undo lists them");
        }
        read(&file)
    }

    fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

fn read(file: &Path) -> Result<UndoRecord> {
    let read = || -> Result<UndoRecord> {
        if !fs::metadata(file)?.is_file() {
            bail!("it is not a regular file");
        }
        if is_too_large(file) {
            bail!("it is larger than {} MiB", MOST >> 20);
        }
        let record: UndoRecord = serde_json::from_slice(&fs::read(file)?)
            .map_err(|_| anyhow!("it is not an undo record of this version of driftctl"))?;
        if record.schema != SCHEMA {
            bail!("it was written by another version of driftctl");
        }
        Ok(record)
    };
    read().with_context(|| format!("cannot read the undo record {}", file.display()))
}

fn is_too_large(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.len() > MOST as u64)
}

fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> (tempfile::TempDir, UndoRecords) {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("undo");
        (place, UndoRecords { folder })
    }

    fn begin(records: &UndoRecords, context: &str) -> UndoRecord {
        let now: Timestamp = "2026-11-29T23:40:12Z".parse().unwrap();
        records.begin(Some(context), None, None, now).unwrap()
    }

    #[test]
    fn finds_records_by_id() {
        let (_place, records) = records();
        let mut record = begin(&records, "prod");
        assert_eq!(record.id, "prod-20261129T234012Z");
        assert_eq!(begin(&records, "prod").id, "prod-20261129T234012Z-2");
        record.undone = true;
        records.keep(&record).unwrap();
        assert!(records.find(&record.id).unwrap().undone);
        assert_eq!(records.all().unwrap().len(), 2);
        records.forget(&record);
        assert!(records.find(&record.id).is_err());
    }

    #[test]
    fn context_names_cannot_escape_the_folder() {
        let (_place, records) = records();
        let record = begin(&records, "../../etc/x y");
        assert!(!record.id.contains('/') && !record.id.starts_with('.'));
        assert!(records.find("../x").is_err());
    }

    #[test]
    fn limits_the_size_of_records() {
        let (_place, records) = records();
        let mut record = begin(&records, "prod");
        let object = UndoObject {
            api_version: "v1".to_owned(),
            group: String::new(),
            kind: "ConfigMap".to_owned(),
            plural: "configmaps".to_owned(),
            namespace: None,
            name: "a".to_owned(),
            uid: None,
            done: UndoAction::Patched,
            edits: Vec::new(),
            before: Some(Value::String("a".repeat(MOST_BEFORE_WRITE))),
        };
        record.objects.push(object);
        let refused = format!("{:#}", records.keep_before_write(&record).unwrap_err());
        assert!(refused.contains("revert fewer objects"), "{refused}");
        records.keep(&record).unwrap();
        assert_eq!(records.all().unwrap().len(), 1);
        record.objects[0].before = Some(Value::String("a".repeat(MOST)));
        assert!(records.keep(&record).is_err());

        let file = fs::File::create(records.file("other")).unwrap();
        file.set_len(MOST as u64 + 1).unwrap();
        let refused = format!("{:#}", records.find("other").unwrap_err());
        assert!(refused.contains("larger than 64 MiB"), "{refused}");
        assert!(records.all().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn reads_only_regular_files() {
        let (_place, records) = records();
        make_folder(&records.folder).unwrap();
        std::os::unix::fs::symlink("/dev/zero", records.file("zero")).unwrap();
        assert!(records.find("zero").is_err());
        assert!(records.all().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_a_record() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_place, records) = records();
        let record = begin(&records, "prod");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&records.file(&record.id)), 0o600);
        assert_eq!(mode(&records.folder), 0o700);
    }
}
