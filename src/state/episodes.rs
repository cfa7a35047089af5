//! The state of a watch: one line of JSON per event, in a file that survives interrupted writes.
//!
//! Lines are appended and synced; a long file is rewritten when a watch starts. A last line without
//! a line feed is incomplete, and is dropped.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::model::{
    BOUNDS, ClosedEpisode, Deviation, Durations, Ending, Episode, EpisodeEvent, EpisodeKey, Onset,
    ResourceKey, Severity, Tallies, Worded,
};
use crate::yaml;

/// The name and version of the format of the file.
const SCHEMA: &str = "driftctl.watch/v1";

/// The number of lines from which a file is rewritten when a watch starts.
const LONG: usize = 5_000;

/// The content of a state file.
#[derive(Debug, Default)]
pub struct StateContent {
    /// The counts of episodes before the first of the events.
    pub tallies: Tallies,
    /// The episodes that were open at that time.
    pub open: Vec<Episode>,
    /// The events since that time.
    pub events: Vec<EpisodeEvent>,
    /// Whether an incomplete last line was dropped.
    pub was_torn: bool,
}

/// A state file that only this process writes to.
#[derive(Debug)]
pub struct EpisodeFile {
    file: LockedFile,
    path: PathBuf,
    salt: String,
}

/// An open file that other processes cannot lock.
///
/// It is unlocked when it is dropped. Closing is not enough: a child process that is started at
/// that moment has a copy of the descriptor, and so the lock, until it executes its program.
#[derive(Debug)]
struct LockedFile(File);

impl LockedFile {
    /// Locks the file, or returns nothing if another process has locked it.
    fn lock(file: File) -> Option<Self> {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            // Not every file system has locks.
            Ok(()) | Err(TryLockError::Error(_)) => Some(Self(file)),
        }
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Unlocking fails only if the file was never locked.
        let _ = self.0.unlock();
    }
}

/// Returns a salt for digests.
///
/// # Errors
/// Fails if the system has no random numbers.
pub fn new_salt() -> Result<String> {
    let mut bytes = [0; 16];
    let random = SystemRandom::new().fill(&mut bytes);
    random
        .ok()
        .context("cannot get random numbers from the system")?;
    Ok(STANDARD_NO_PAD.encode(bytes))
}

impl EpisodeFile {
    /// Opens or creates the file. `cluster` is the cluster of its drift.
    ///
    /// # Errors
    /// Fails if it belongs to another cluster, another process writes to it, it cannot be read or
    /// written, or a line other than the last one is invalid.
    pub fn open(path: &Path, cluster: &str) -> Result<(Self, StateContent)> {
        let opened = Self::opened(path, cluster);
        opened.with_context(|| format!("cannot use the state file {}", path.display()))
    }

    fn opened(path: &Path, cluster: &str) -> Result<(Self, StateContent)> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let Some(mut file) = LockedFile::lock(options.open(path)?) else {
            bail!("another driftctl watch writes to it; name another file with --state")
        };
        let mut bytes = Vec::new();
        file.0.read_to_end(&mut bytes)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let mut kept = StateContent {
            was_torn: whole < bytes.len(),
            ..StateContent::default()
        };
        let text = std::str::from_utf8(&bytes[..whole]);
        let text = text.context("it is not UTF-8 text; move it away to start a new one")?;
        let mut salt = None;
        let mut lines = 0;
        for (at, line) in text.lines().enumerate() {
            lines += 1;
            let read: StateLine = serde_json::from_str(line).map_err(|_| {
                anyhow::anyhow!(
                    "line {} is not valid in a state file; move the file away to start a new one",
                    at + 1
                )
            })?;
            match read {
                StateLine::Head(head) => {
                    ensure!(
                        head.schema == SCHEMA,
                        "it was written by another version of driftctl ({})",
                        head.schema
                    );
                    ensure!(
                        head.cluster == cluster,
                        "it contains the drift of {}, but this is {cluster}; name another file \
                         with --state",
                        head.cluster
                    );
                    salt = Some(head.salt);
                }
                StateLine::Tallies(tallies) => kept.tallies = tallies.into(),
                StateLine::Open(episode) => kept.open.push(episode.into()),
                StateLine::Opened(episode) => {
                    kept.events.push(EpisodeEvent::Opened(episode.into()))
                }
                StateLine::Altered(episode) => {
                    kept.events.push(EpisodeEvent::Altered(episode.into()))
                }
                StateLine::Closed(closed) => kept.events.push(EpisodeEvent::Closed(closed.into())),
            }
        }
        ensure!(
            salt.is_some() || lines == 0,
            "it is not a state file; move it away to start a new one"
        );
        let is_new = salt.is_none();
        let mut state = Self {
            file,
            path: path.to_owned(),
            salt: match salt {
                Some(salt) => salt,
                None => new_salt()?,
            },
        };
        if is_new {
            state.file.0.set_len(0)?;
            state.file.0.seek(SeekFrom::Start(0))?;
            state.write(&state.head(cluster)?)?;
        } else {
            state.file.0.set_len(whole as u64)?;
            state.file.0.seek(SeekFrom::Start(whole as u64))?;
        }
        if lines > LONG {
            state.rewrite(cluster, &mut kept)?;
        }
        Ok((state, kept))
    }

    /// Returns the salt of digests.
    pub fn salt(&self) -> &str {
        &self.salt
    }

    /// Adds events, and returns when they are on disk.
    ///
    /// # Errors
    /// Fails if they cannot be written.
    pub fn add(&mut self, events: &[EpisodeEvent]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for event in events {
            let line = match event {
                EpisodeEvent::Opened(episode) => StateLine::Opened(episode.into()),
                EpisodeEvent::Altered(episode) => StateLine::Altered(episode.into()),
                EpisodeEvent::Closed(closed) => StateLine::Closed(closed.into()),
            };
            push(&mut text, &line)?;
        }
        let at = self.file.0.stream_position();
        let written = self.write(&text);
        if written.is_err() {
            // Half a line would make everything after it unreadable.
            if let Ok(at) = at {
                let _ = self.file.0.set_len(at);
                let _ = self.file.0.seek(SeekFrom::Start(at));
            }
        }
        let path = self.path.display();
        written.with_context(|| format!("cannot write to the state file {path}"))
    }

    fn head(&self, cluster: &str) -> Result<String> {
        let mut text = String::new();
        let head = StateLine::Head(StateHeader {
            schema: SCHEMA.to_owned(),
            cluster: cluster.to_owned(),
            salt: self.salt.clone(),
        });
        push(&mut text, &head)?;
        Ok(text)
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.file.0.write_all(text.as_bytes())?;
        self.file.0.sync_data()?;
        Ok(())
    }

    /// Rewrites the file, with the open episodes and the counts.
    fn rewrite(&mut self, cluster: &str, kept: &mut StateContent) -> Result<()> {
        for event in std::mem::take(&mut kept.events) {
            kept.tallies.count(&event);
            match event {
                EpisodeEvent::Opened(episode) => kept.open.push(episode),
                EpisodeEvent::Altered(episode) => {
                    kept.open.retain(|open| open.key != episode.key);
                    kept.open.push(episode);
                }
                EpisodeEvent::Closed(closed) => kept.open.retain(|open| open.key != closed.key),
            }
        }
        let mut text = self.head(cluster)?;
        push(&mut text, &StateLine::Tallies((&kept.tallies).into()))?;
        for episode in &kept.open {
            push(&mut text, &StateLine::Open(episode.into()))?;
        }
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        // Locked before others can find it. The lock belongs to the open file, which stays.
        if let Err(TryLockError::WouldBlock) = new.as_file().try_lock() {
            bail!("another process writes to the new file");
        }
        self.file = LockedFile(new.persist(&self.path)?);
        if let Ok(folder) = File::open(folder) {
            // Not every file system can sync a folder.
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

fn push(text: &mut String, line: &StateLine) -> Result<()> {
    text.push_str(&yaml::escape_hidden_json(&serde_json::to_string(line)?));
    text.push('\n');
    Ok(())
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum StateLine {
    Head(StateHeader),
    Tallies(TalliesLine),
    Open(EpisodeLine),
    Opened(EpisodeLine),
    Altered(EpisodeLine),
    Closed(ClosedLine),
}

#[derive(Serialize, Deserialize)]
struct StateHeader {
    schema: String,
    cluster: String,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct KeyLine {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    deviation: EnumWord<Deviation>,
}

#[derive(Serialize, Deserialize)]
struct EpisodeLine {
    #[serde(flatten)]
    key: KeyLine,
    severity: EnumWord<Severity>,
    since: Timestamp,
    onset: EnumWord<Onset>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    who: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declared: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    live: Option<u16>,
}

#[derive(Serialize, Deserialize)]
struct ClosedLine {
    #[serde(flatten)]
    key: KeyLine,
    severity: EnumWord<Severity>,
    since: Timestamp,
    until: Timestamp,
    how: EnumWord<Ending>,
}

#[derive(Serialize, Deserialize)]
struct TalliesLine {
    opened: Vec<(EnumWord<Severity>, String, EnumWord<Onset>, u64)>,
    closed: Vec<(EnumWord<Severity>, String, EnumWord<Ending>, u64)>,
    durations: Vec<(EnumWord<Severity>, [u64; BOUNDS.len()], f64, u64)>,
}

/// A value of an enumeration, as the word that reports use.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str", bound = "T: Worded")]
struct EnumWord<T: Worded>(T);

impl<T: Worded> TryFrom<String> for EnumWord<T> {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        let found = T::VARIANTS.iter().find(|one| one.word() == word);
        found.copied().map(Self).ok_or(word)
    }
}

impl<T: Worded> From<EnumWord<T>> for &'static str {
    fn from(word: EnumWord<T>) -> Self {
        word.0.word()
    }
}

impl From<&EpisodeKey> for KeyLine {
    fn from(key: &EpisodeKey) -> Self {
        let object = &key.object;
        Self {
            group: object.group.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            path: key.path.clone(),
            deviation: EnumWord(key.deviation),
        }
    }
}

impl From<KeyLine> for EpisodeKey {
    fn from(line: KeyLine) -> Self {
        Self {
            object: ResourceKey::new(line.group, line.kind, line.namespace, line.name),
            path: line.path,
            deviation: line.deviation.0,
        }
    }
}

impl From<&Episode> for EpisodeLine {
    fn from(episode: &Episode) -> Self {
        Self {
            key: (&episode.key).into(),
            severity: EnumWord(episode.severity),
            since: episode.opened,
            onset: EnumWord(episode.onset),
            who: episode.who.clone(),
            declared: episode.declared,
            live: episode.live,
        }
    }
}

impl From<EpisodeLine> for Episode {
    fn from(line: EpisodeLine) -> Self {
        Self {
            key: line.key.into(),
            severity: line.severity.0,
            opened: line.since,
            onset: line.onset.0,
            who: line.who,
            declared: line.declared,
            live: line.live,
        }
    }
}

impl From<&ClosedEpisode> for ClosedLine {
    fn from(closed: &ClosedEpisode) -> Self {
        Self {
            key: (&closed.key).into(),
            severity: EnumWord(closed.severity),
            since: closed.opened,
            until: closed.closed,
            how: EnumWord(closed.how),
        }
    }
}

impl From<ClosedLine> for ClosedEpisode {
    fn from(line: ClosedLine) -> Self {
        Self {
            key: line.key.into(),
            severity: line.severity.0,
            opened: line.since,
            closed: line.until,
            how: line.how.0,
        }
    }
}

impl From<&Tallies> for TalliesLine {
    fn from(tallies: &Tallies) -> Self {
        let opened = tallies.opened.iter();
        let closed = tallies.closed.iter();
        let durations = tallies.durations.iter();
        Self {
            opened: opened
                .map(|((severity, state_file, onset), n)| {
                    (
                        EnumWord(*severity),
                        state_file.clone(),
                        EnumWord(*onset),
                        *n,
                    )
                })
                .collect(),
            closed: closed
                .map(|((severity, state_file, how), n)| {
                    (EnumWord(*severity), state_file.clone(), EnumWord(*how), *n)
                })
                .collect(),
            durations: durations
                .map(|(severity, one)| (EnumWord(*severity), one.within, one.sum, one.count))
                .collect(),
        }
    }
}

impl From<TalliesLine> for Tallies {
    fn from(line: TalliesLine) -> Self {
        let opened = line.opened.into_iter();
        let closed = line.closed.into_iter();
        let durations = line.durations.into_iter();
        Self {
            opened: opened
                .map(|(severity, state_file, onset, n)| ((severity.0, state_file, onset.0), n))
                .collect(),
            closed: closed
                .map(|(severity, state_file, how, n)| ((severity.0, state_file, how.0), n))
                .collect(),
            durations: durations
                .map(|(severity, within, sum, count)| {
                    (severity.0, Durations { within, sum, count })
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const CLUSTER: &str = "https://10.0.0.1";

    fn episode(name: &str) -> Episode {
        Episode {
            key: EpisodeKey {
                object: ResourceKey::new(
                    "apps",
                    "Deployment",
                    Some("shop".to_owned()),
                    name.to_owned(),
                ),
                path: ".spec.replicas".to_owned(),
                deviation: Deviation::Changed,
            },
            severity: Severity::High,
            opened: Timestamp::UNIX_EPOCH,
            onset: Onset::Written,
            who: Some("kubectl-edit".to_owned()),
            declared: Some(7),
            live: None,
        }
    }

    fn closed(name: &str) -> EpisodeEvent {
        let episode = episode(name);
        EpisodeEvent::Closed(ClosedEpisode {
            key: episode.key,
            severity: episode.severity,
            opened: episode.opened,
            closed: Timestamp::from_second(90).unwrap(),
            how: Ending::Reverted,
        })
    }

    fn state_file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.jsonl");
        (folder, path)
    }

    #[test]
    fn reads_events_as_they_were_written() {
        let (_folder, path) = state_file();
        let events = [
            EpisodeEvent::Opened(episode("a")),
            EpisodeEvent::Altered(episode("a")),
            EpisodeEvent::Opened(episode("b")),
            closed("a"),
        ];
        let (mut file, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
        assert!(kept.events.is_empty());
        file.add(&events[..1]).unwrap();
        file.add(&events[1..]).unwrap();
        let salt = file.salt().to_owned();
        drop(file);
        let (file, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
        assert_eq!(kept.events, events);
        assert_eq!(file.salt(), salt);
        assert!(!kept.was_torn);
    }

    /// A crash can cut the last write anywhere. Everything synced before it can still be read.
    #[test]
    fn drops_an_incomplete_last_line() {
        let (_folder, path) = state_file();
        let (mut file, _) = EpisodeFile::open(&path, CLUSTER).unwrap();
        file.add(&[EpisodeEvent::Opened(episode("a"))]).unwrap();
        let whole = fs::metadata(&path).unwrap().len();
        file.add(&[EpisodeEvent::Opened(episode("b"))]).unwrap();
        drop(file);
        let text = fs::read(&path).unwrap();
        for length in whole..text.len() as u64 {
            fs::write(&path, &text[..length as usize]).unwrap();
            let (mut file, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
            assert_eq!(kept.events.len(), 1, "cut to {length}");
            assert_eq!(kept.was_torn, length > whole);
            file.add(&[closed("a")]).unwrap();
            drop(file);
            let (_, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
            assert_eq!(kept.events.len(), 2, "cut to {length}");
        }
        fs::write(&path, &text[..3]).unwrap();
        let (_, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
        assert!(kept.was_torn && kept.events.is_empty());
    }

    #[test]
    fn refuses_files_of_other_formats_and_other_clusters() {
        let (_folder, path) = state_file();
        let refused = |cluster: &str| {
            let error = EpisodeFile::open(&path, cluster).unwrap_err();
            format!("{error:#}")
        };
        fs::write(&path, "apiVersion: v1\n").unwrap();
        assert!(refused(CLUSTER).contains("line 1 is not valid"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "apiVersion: v1\n");
        fs::remove_file(&path).unwrap();
        let (file, _) = EpisodeFile::open(&path, CLUSTER).unwrap();
        assert!(refused(CLUSTER).contains("another driftctl watch"));
        drop(file);
        assert!(refused("https://10.0.0.2").contains("the drift of https://10.0.0.1"));
    }

    #[test]
    fn rewrites_a_long_file_when_it_is_opened() {
        let (_folder, path) = state_file();
        let (mut file, _) = EpisodeFile::open(&path, CLUSTER).unwrap();
        let pairs: Vec<EpisodeEvent> = (0..LONG / 2 + 1)
            .flat_map(|_| [EpisodeEvent::Opened(episode("a")), closed("a")])
            .collect();
        file.add(&pairs).unwrap();
        file.add(&[EpisodeEvent::Opened(episode("b"))]).unwrap();
        let salt = file.salt().to_owned();
        drop(file);
        let (mut file, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
        let tallies = kept.tallies.clone();
        assert_eq!(tallies.closed.values().sum::<u64>(), pairs.len() as u64 / 2);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
        file.add(&[closed("b")]).unwrap();
        drop(file);
        let (file, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
        assert_eq!((kept.tallies, kept.open.len()), (tallies, 1));
        assert_eq!(kept.events, [closed("b")]);
        assert_eq!(file.salt(), salt);
    }

    #[test]
    fn characters_that_a_terminal_interprets_are_written_as_escapes() {
        let (_folder, path) = state_file();
        let (mut file, _) = EpisodeFile::open(&path, CLUSTER).unwrap();
        let opened = EpisodeEvent::Opened(episode("a\u{9b}31m\u{202e}"));
        file.add(std::slice::from_ref(&opened)).unwrap();
        drop(file);
        assert!(
            !fs::read_to_string(&path)
                .unwrap()
                .contains(crate::facts::is_hidden)
        );
        let (_, kept) = EpisodeFile::open(&path, CLUSTER).unwrap();
        assert_eq!(kept.events, [opened]);
    }
}
