//! Reads the API server's audit log: who sent which write, and when.
//!
//! `metadata.managedFields` names programs instead of users, and does not record who removed a
//! field. The audit log (`audit.k8s.io/v1`, one event per line, or an `EventList`) records both.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::model::{ResourceKey, Warning};

/// An object as the audit log identifies it, by its resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditedObject {
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource, in the plural.
    pub resource: String,
    /// The namespace, if the object is namespaced.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl AuditedObject {
    /// Returns the object of a key. Without the `plural` from discovery, the resource is guessed
    /// from the kind as the API machinery does (`meta.UnsafeGuessKindToResource`). A wrong guess
    /// matches no event, so no user is named.
    pub fn of(key: &ResourceKey, plural: Option<&str>) -> Self {
        let resource = plural
            .filter(|plural| !plural.is_empty())
            .map_or_else(|| plural_of(&key.kind), str::to_owned);
        Self {
            group: key.group.clone(),
            resource,
            namespace: key.namespace.clone(),
            name: key.name.clone(),
        }
    }
}

fn plural_of(kind: &str) -> String {
    let singular = kind.to_lowercase();
    if singular == "endpoints" {
        return singular;
    }
    match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

/// A write that the server carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedWrite {
    /// When the server received it.
    pub at: Timestamp,
    /// `create`, `update`, `patch`, `delete` or `deletecollection`; a patch that created the object
    /// is a `create`.
    pub verb: String,
    /// The user, with the authenticated user if that one impersonated.
    pub user: String,
    /// The field manager in the request, or else what the server derives from the user agent.
    pub manager: String,
    /// The subresource of the request.
    pub subresource: Option<String>,
    /// The request body, if the audit policy keeps it (levels `Request` and `RequestResponse`).
    pub body: Option<Value>,
    /// The object after the request, without its status and managed fields, if the audit policy
    /// keeps it (level `RequestResponse`).
    pub after: Option<Value>,
    /// Whether the resource version shows that the request changed nothing.
    pub is_idle: bool,
}

impl AuditedWrite {
    /// Stands in for a write that was taken out of a list.
    fn empty(at: Timestamp) -> Self {
        Self {
            at,
            verb: String::new(),
            user: String::new(),
            manager: String::new(),
            subresource: None,
            body: None,
            after: None,
            is_idle: true,
        }
    }

    /// Returns whether the request may have changed a field of the object.
    pub fn changes(&self) -> bool {
        !self.is_idle && !self.verb.starts_with("delete")
    }
}

/// A write that the server refused.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditedRefusal {
    /// The request.
    pub write: AuditedWrite,
    /// The status code.
    pub code: u16,
}

/// The writes to some objects, sorted by time.
#[derive(Debug, Default)]
pub struct AuditedWrites {
    /// The writes that were carried out, by object.
    pub of: BTreeMap<AuditedObject, Vec<AuditedWrite>>,
    /// The writes that were refused, by object.
    pub refused: BTreeMap<AuditedObject, Vec<AuditedRefusal>>,
    /// Warnings about lines that are not audit events.
    pub warnings: Vec<Warning>,
}

/// Audit logs to read, plain or gzip.
#[derive(Debug, Clone, Default)]
pub struct Logs {
    /// The files.
    pub files: Vec<PathBuf>,
    /// How long reading them may take; `None` for any time. A small compressed log can expand to
    /// any length.
    pub within: Option<Duration>,
}

impl Logs {
    /// Returns logs that must be read in so many seconds.
    pub fn within(files: &[PathBuf], seconds: u64) -> Self {
        Self {
            files: files.to_vec(),
            within: Some(Duration::from_secs(seconds)),
        }
    }

    /// Returns whether no log was named.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The deadline for reading.
struct Limit {
    begun: Instant,
    within: Option<Duration>,
}

impl Limit {
    fn check(&self) -> Result<()> {
        match self.within {
            Some(within) if self.begun.elapsed() >= within => bail!(
                "not read within {} s; pass a shorter log, or raise --timeout",
                within.as_secs()
            ),
            _ => Ok(()),
        }
    }
}

/// Reads the writes to the `wanted` objects from audit logs. Only these are kept, so that memory
/// does not grow with the log.
///
/// # Errors
/// Fails if a log cannot be read, or not in time.
pub fn read(logs: &Logs, wanted: &dyn Fn(&AuditedObject) -> bool) -> Result<AuditedWrites> {
    let mut writes = AuditedWrites::default();
    let limit = Limit {
        begun: Instant::now(),
        within: logs.within,
    };
    for path in &logs.files {
        read_file(path, wanted, &limit, &mut writes)
            .with_context(|| format!("cannot read the audit log {}", path.display()))?;
    }
    for events in writes.of.values_mut() {
        put_in_order(events);
    }
    for refusals in writes.refused.values_mut() {
        refusals.sort_by_key(|refusal| refusal.write.at);
    }
    Ok(writes)
}

/// Sorts writes by time, or by resource version if known: a request that arrived first may have
/// been carried out last. Marks requests that did not change the version as idle.
fn put_in_order(writes: &mut [AuditedWrite]) {
    writes.sort_by_key(|write| write.at);
    let with_version = writes.iter().enumerate();
    let places: Vec<usize> = with_version
        .filter_map(|(at, write)| version(write).map(|_| at))
        .collect();
    let mut known: Vec<AuditedWrite> = Vec::with_capacity(places.len());
    for at in &places {
        let place = &mut writes[*at];
        let empty = AuditedWrite::empty(place.at);
        known.push(std::mem::replace(place, empty));
    }
    known.sort_by_key(version);
    let mut last = None;
    for (at, mut write) in places.into_iter().zip(known) {
        let version = version(&write);
        write.is_idle |= version == last && !write.verb.starts_with("delete");
        last = version;
        writes[at] = write;
    }
}

fn version(write: &AuditedWrite) -> Option<u64> {
    let version = write.after.as_ref()?.pointer("/metadata/resourceVersion")?;
    version.as_str()?.parse().ok()
}

/// The limit on the length of a line, which may contain a list of events.
const LONGEST_LINE: u64 = 256 << 20;

/// Skips empty lines, of which a compressed log can have any number; returns how many.
fn skip_empty(reader: &mut dyn BufRead, limit: &Limit) -> Result<usize> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let empty = buffer.iter().take_while(|byte| **byte == b'\n').count();
        let is_all = empty > 0 && empty == buffer.len();
        reader.consume(empty);
        skipped += empty;
        if !is_all {
            return Ok(skipped);
        }
        limit.check()?;
    }
}

/// Reads the next line; `false` at the end. A few bytes of a compressed log can expand to a line
/// that does not fit into memory.
fn next_line(reader: &mut dyn BufRead, longest: u64, line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    let read = reader.take(longest + 1).read_until(b'\n', line)?;
    if read as u64 > longest {
        bail!(
            "a line is longer than {} MiB, so this is not an audit log",
            longest >> 20
        );
    }
    Ok(read > 0)
}

fn read_file(
    path: &Path,
    wanted: &dyn Fn(&AuditedObject) -> bool,
    limit: &Limit,
    writes: &mut AuditedWrites,
) -> Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let is_gzip = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let mut reader: Box<dyn BufRead> = if is_gzip {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    let mut line = Vec::new();
    let (mut number, mut broken, mut first) = (0_usize, 0_usize, None);
    loop {
        number += skip_empty(&mut reader, limit)?;
        limit.check()?;
        if !next_line(&mut reader, LONGEST_LINE, &mut line)? {
            break;
        }
        number += 1;
        let text = line.trim_ascii();
        match events(text) {
            _ if text.is_empty() => {}
            Ok(events) => events.into_iter().for_each(|event| {
                if let Some((object, write, code)) = event.write(wanted) {
                    if code < 300 {
                        writes.of.entry(object).or_default().push(write);
                    } else {
                        let refusals = writes.refused.entry(object).or_default();
                        refusals.push(AuditedRefusal { write, code });
                    }
                }
            }),
            Err(_) => {
                broken += 1;
                first.get_or_insert(number);
            }
        }
    }
    if let Some(first) = first {
        writes.warnings.push(Warning::new(
            format!("{}:{first}", path.display()),
            format!(
                "{broken} of {number} lines are not audit events; writes recorded in them are not \
                 attributed"
            ),
        ));
    }
    Ok(())
}

/// Returns the events of a line: one, or a list of them.
fn events(line: &[u8]) -> serde_json::Result<Vec<AuditEvent<'_>>> {
    #[derive(Deserialize)]
    struct AuditEventList<'a> {
        #[serde(borrow)]
        items: Vec<AuditEvent<'a>>,
    }
    serde_json::from_slice(line)
        .map(|event| vec![event])
        .or_else(|error| {
            let list: Result<AuditEventList<'_>, _> = serde_json::from_slice(line);
            list.map(|list| list.items).map_err(|_| error)
        })
}

/// The needed fields of an `audit.k8s.io/v1` `AuditEvent`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditEvent<'a> {
    #[serde(borrow)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    verb: Cow<'a, str>,
    #[serde(borrow, rename = "requestURI", default)]
    request_uri: Cow<'a, str>,
    user: AuditUser,
    impersonated_user: Option<AuditUser>,
    user_agent: Option<String>,
    object_ref: Option<ObjectRef>,
    response_status: Option<ResponseStatus>,
    request_received_timestamp: Timestamp,
    #[serde(borrow)]
    request_object: Option<&'a RawValue>,
    #[serde(borrow)]
    response_object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct AuditUser {
    #[serde(default)]
    username: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectRef {
    resource: Option<String>,
    namespace: Option<String>,
    name: Option<String>,
    api_group: Option<String>,
    subresource: Option<String>,
}

#[derive(Deserialize)]
struct ResponseStatus {
    code: Option<u16>,
}

/// Returns the object of a response, without fields that are never declared; `None` for other
/// responses, such as a `Status` or a `Scale`.
fn without_bookkeeping(mut response: Value) -> Option<Value> {
    let kind = response.get("kind").and_then(Value::as_str);
    let resource = response.get("apiVersion").and_then(Value::as_str);
    if matches!((resource, kind), (Some("v1"), Some("Status")))
        || matches!((resource, kind), (Some("autoscaling/v1"), Some("Scale")))
    {
        return None;
    }
    let fields = response.as_object_mut()?;
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    Some(response)
}

/// The status codes of final refusals. After others, such as a conflict, clients retry.
const REFUSALS: [u16; 3] = [400, 403, 422];

/// The verbs that change objects.
const WRITING: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];

impl AuditEvent<'_> {
    /// Returns the event's write and status code, if the write was carried out or refused and is to
    /// one of the `wanted` objects.
    fn write(
        self,
        wanted: &dyn Fn(&AuditedObject) -> bool,
    ) -> Option<(AuditedObject, AuditedWrite, u16)> {
        let code = self.response_status.as_ref()?.code?;
        let done = self.stage == "ResponseComplete"
            && ((200..300).contains(&code) || REFUSALS.contains(&code));
        if !done || !WRITING.contains(&self.verb.as_ref()) || self.query("dryRun").is_some() {
            return None;
        }
        let object = self.object()?;
        if !wanted(&object) {
            return None;
        }
        let user = match &self.impersonated_user {
            Some(acted) => format!("{} (through {})", acted.username, self.user.username),
            None => self.user.username.clone(),
        };
        // Controllers write an object's status repeatedly, which changes nothing else.
        let subresource = self
            .object_ref
            .as_ref()
            .and_then(|o| o.subresource.as_deref());
        let reports = subresource == Some("status");
        let response: Option<Value> = self
            .response_object
            .filter(|_| !reports)
            .and_then(|body| serde_json::from_str(body.get()).ok());
        let write = AuditedWrite {
            at: self.request_received_timestamp,
            user,
            manager: self.manager(),
            subresource: subresource.map(str::to_owned),
            body: self
                .request_object
                .filter(|_| !reports)
                .and_then(|body| serde_json::from_str(body.get()).ok()),
            is_idle: false,
            after: response.and_then(without_bookkeeping),
            // An apply creates an object that does not exist.
            verb: match (self.verb, code) {
                (verb, 201) if verb == "patch" => "create".to_owned(),
                (verb, _) => verb.into_owned(),
            },
        };
        Some((object, write, code))
    }

    fn object(&self) -> Option<AuditedObject> {
        let object = self.object_ref.as_ref()?;
        let resource = object.resource.clone()?;
        // An event about a Namespace also has its name as the namespace.
        let is_namespace = resource == "namespaces";
        let given = object.name.clone().or_else(|| {
            let made: Value = serde_json::from_str(self.response_object?.get()).ok()?;
            made.pointer("/metadata/name")?.as_str().map(str::to_owned)
        });
        Some(AuditedObject {
            group: object.api_group.clone().unwrap_or_default(),
            namespace: object.namespace.clone().filter(|_| !is_namespace),
            name: given.or_else(|| (self.verb == "deletecollection").then(String::new))?,
            resource,
        })
    }

    /// Returns the field manager of the request: the query parameter, or else the user agent up to
    /// its first `/` (`managedfields` in apiserver).
    fn manager(&self) -> String {
        let agent = || self.user_agent.as_deref().and_then(|a| a.split('/').next());
        let named = self.query("fieldManager");
        named
            .or_else(|| agent().map(str::to_owned))
            .unwrap_or_default()
    }

    fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.request_uri.split_once('?')?;
        let value = query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })?;
        let value = value.replace('+', " ");
        let decoded = percent_encoding::percent_decode_str(&value).decode_utf8_lossy();
        Some(decoded.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends_in_time_whatever_a_compressed_log_expands_to() {
        let logs = |within: Duration| Limit {
            begun: Instant::now(),
            within: Some(within),
        };
        let many = |byte: u8| BufReader::new(std::io::repeat(byte));
        let ended = skip_empty(&mut many(b'\n'), &logs(Duration::from_millis(20)));
        assert!(ended.unwrap_err().to_string().contains("--timeout"));
        let mut few: &[u8] = b"\n\n{}\n";
        assert_eq!(
            skip_empty(&mut few, &logs(Duration::from_secs(9))).unwrap(),
            2
        );
        assert_eq!(few, b"{}\n");
    }

    #[test]
    fn a_line_without_an_end_is_not_read_into_memory() {
        let mut line = Vec::new();
        let mut log: &[u8] = b"{}\n{}\n";
        assert!(next_line(&mut log, 4, &mut line).unwrap());
        assert!(next_line(&mut log, 4, &mut line).unwrap());
        assert!(!next_line(&mut log, 4, &mut line).unwrap());
        let mut endless = BufReader::new(std::io::repeat(0));
        assert!(next_line(&mut endless, 4, &mut line).is_err());
        assert!(line.len() < 8);
    }
}
