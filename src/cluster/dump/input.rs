//! Reads recordings as text: files, directories and standard input, compressed or not.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use walkdir::WalkDir;

use crate::model::Position;
use crate::yaml;

/// The hint for an empty input.
pub(super) const HOW_TO_RECORD: &str =
    "record with `driftctl snapshot`, or with `kubectl get … -o json --show-managed-fields`";

/// The size limit of a decompressed input, which bounds `/dev/zero` and compression bombs.
const MAX_BYTES: u64 = 1 << 30;

/// How many times its size a compressed input may expand to, beyond [`SMALL_BYTES`]. Objects of an
/// API server are repetitive, but expand to a thirtieth of this.
const MAX_RATIO: u64 = 100;

/// What any compressed input may expand to.
const SMALL_BYTES: u64 = 32 << 20;

/// One file of a recording.
pub(super) struct DumpInput {
    /// Where the text comes from.
    pub file: Arc<InputOrigin>,
    /// Its content, as JSON.
    pub text: Arc<String>,
}

impl DumpInput {
    /// Returns `file:line:column` of a position in the text.
    pub fn place(&self, offset: usize) -> String {
        self.file.place(&self.text, offset)
    }
}

/// The origin of text.
#[derive(Debug)]
pub(super) struct InputOrigin {
    /// The file as the user named it, or `-`.
    pub name: String,
    /// For YAML, which is converted to one JSON document per line: the position of each document.
    documents: Option<Vec<Position>>,
}

impl InputOrigin {
    /// Returns the origin of text that equals the file.
    pub fn plain(name: String) -> Self {
        Self {
            name,
            documents: None,
        }
    }

    /// Returns `file:line:column` of a position in the text; for YAML, that of the document.
    pub fn place(&self, text: &str, offset: usize) -> String {
        let within = position(text, offset);
        let documents = self.documents.as_deref().unwrap_or_default();
        let Position { line, column } = *documents.get(within.line - 1).unwrap_or(&within);
        format!("{}:{line}:{column}", self.name)
    }
}

pub(super) fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// Reads every file of a recording; directories in the order of file names.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Vec<DumpInput>> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut bytes = Vec::new();
            read_capped(&mut io::stdin().lock(), &mut bytes).context("standard input")?;
            inputs.push(input("-".to_owned(), bytes)?);
        } else if path.is_dir() {
            read_folder(path, &mut inputs)?;
        } else {
            inputs.push(read_file(path)?);
        }
    }
    Ok(inputs)
}

fn read_folder(folder: &Path, inputs: &mut Vec<DumpInput>) -> Result<()> {
    let before = inputs.len();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        // walkdir's errors name the path.
        let entry = entry.context("cannot read the recording")?;
        if entry.file_type().is_file() && holds_objects(entry.path()) {
            inputs.push(read_file(entry.path())?);
        }
    }
    ensure!(
        inputs.len() > before,
        "{}: the folder contains no recording (.json, .yaml, .yml, also with .gz)",
        folder.display()
    );
    Ok(())
}

fn holds_objects(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".json", ".yaml", ".yml"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

fn read_file(path: &Path) -> Result<DumpInput> {
    let name = path.display().to_string();
    let mut file = File::open(path).with_context(|| name.clone())?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MAX_BYTES)).unwrap_or(0));
    read_capped(&mut file, &mut bytes).with_context(|| name.clone())?;
    input(name, bytes)
}

fn input(name: String, mut bytes: Vec<u8>) -> Result<DumpInput> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = unpacked(&bytes).with_context(|| format!("{name}: cannot be decompressed"))?;
    }
    let text = decode(bytes).with_context(|| name.clone())?;
    ensure!(
        !text.trim_ascii().is_empty(),
        "{name}: the recording is empty; {HOW_TO_RECORD}"
    );
    if is_json(&text) {
        return Ok(DumpInput {
            file: Arc::new(InputOrigin::plain(name)),
            text: Arc::new(text),
        });
    }
    let (text, documents) = as_json(&name, &text)?;
    Ok(DumpInput {
        file: Arc::new(InputOrigin {
            name,
            documents: Some(documents),
        }),
        text: Arc::new(text),
    })
}

/// Returns whether text is JSON. Several JSON documents separated by lines of `---` are YAML.
fn is_json(text: &str) -> bool {
    text.trim_ascii_start().starts_with(['{', '['])
        && memchr::memmem::find(text.as_bytes(), b"\n---").is_none()
}

/// Converts the output of `kubectl get -o yaml` to JSON, one document per line; also returns the
/// position of each document.
fn as_json(name: &str, text: &str) -> Result<(String, Vec<Position>)> {
    let parsed = yaml::parse(text);
    if let Some(problem) = parsed.problems.iter().find(|problem| problem.fatal) {
        bail!("{name}:{problem}");
    }
    if let Some(problem) = parsed
        .problems
        .iter()
        .find(|one| one.is_about_a_repeated_key())
    {
        bail!(
            "{name}:{}:{}: a key occurs twice in the same object, so its value is unknown: make \
             the recording again",
            problem.position.line,
            problem.position.column
        );
    }
    let mut json = String::new();
    let mut places = Vec::new();
    for document in parsed.documents.iter().filter(|d| !d.value.is_null()) {
        let place = document.span.position();
        // kubectl writes `kind` after the items, so a file that was cut off within them has no
        // kind. It is still valid YAML, but objects after the cut must not count as missing.
        ensure!(
            document.value.get("items").is_none() || document.value.get("kind").is_some(),
            "{name}:{}:{}: a list without a kind: the recording is cut short; make it again",
            place.line,
            place.column
        );
        // Writing into a String does not fail.
        let _ = writeln!(json, "{}", document.value);
        places.push(place);
    }
    ensure!(
        !places.is_empty(),
        "{name}: the recording contains no objects; make one with kubectl get … -o yaml"
    );
    Ok((json, places))
}

/// Decompresses an input, whose size it limits: a small file can expand to any size.
fn unpacked(bytes: &[u8]) -> Result<Vec<u8>> {
    let most = MAX_BYTES.min(SMALL_BYTES + MAX_RATIO * bytes.len() as u64);
    let mut unpacked = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(most + 1);
    decoder.read_to_end(&mut unpacked)?;
    ensure!(
        unpacked.len() as u64 <= most,
        "it expands to more than {} MiB; decompress the recording, and split it if it is larger than \
         {} MiB",
        most >> 20,
        MAX_BYTES >> 20
    );
    Ok(unpacked)
}

fn read_capped(reader: &mut dyn Read, bytes: &mut Vec<u8>) -> Result<()> {
    reader.take(MAX_BYTES + 1).read_to_end(bytes)?;
    ensure!(
        bytes.len() as u64 <= MAX_BYTES,
        "more than {} MiB; split the recording into files",
        MAX_BYTES >> 20
    );
    Ok(())
}

/// Decodes UTF-8, or UTF-16, which PowerShell writes when redirecting; removes a byte order mark.
fn decode(bytes: Vec<u8>) -> Result<String> {
    let units = |join: fn([u8; 2]) -> u16| -> Vec<u16> {
        let pairs = bytes[2..].chunks_exact(2);
        pairs.map(|pair| join([pair[0], pair[1]])).collect()
    };
    match &*bytes {
        [0xff, 0xfe, ..] => {
            String::from_utf16(&units(u16::from_le_bytes)).context("not valid UTF-16")
        }
        [0xfe, 0xff, ..] => {
            String::from_utf16(&units(u16::from_be_bytes)).context("not valid UTF-16")
        }
        _ => match String::from_utf8(bytes) {
            Ok(text) if text.starts_with('\u{feff}') => {
                Ok(text['\u{feff}'.len_utf8()..].to_owned())
            }
            Ok(text) => Ok(text),
            // The error's own message may quote bytes.
            Err(error) => bail!(
                "not valid UTF-8 at byte {}",
                error.utf8_error().valid_up_to()
            ),
        },
    }
}

#[cfg(test)]
mod tests;
