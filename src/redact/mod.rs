//! Keeps secrets out of every report, before any renderer sees it.
//!
//! Renderers take a [`Redacted`], which only this module creates. It masks:
//!
//! - the values of Secrets (`data`, `stringData`), and all of a malformed Secret, wherever it is:
//!   declared, live, or embedded in another object;
//! - annotations in which tools keep a copy of the whole object, on any kind;
//! - values whose *name* marks them as secret, such as the environment variable `DB_PASSWORD`, a
//!   key `api-token` of a ConfigMap, or a field `clientSecret` of a custom resource;
//! - passwords within text: `key=value` lines, URLs, private keys, tokens of well-known services;
//! - the values of the Secrets of the run, wherever they were pasted.
//!
//! The mask is constant. It reveals neither the length of a value nor whether two values in
//! different places are equal; only whether the two sides of one place differ.

mod echoes;
mod explanation;
mod literals;
mod live_only;
mod mask;
mod names;
mod pasted;
mod place;
mod text;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::ops::Deref;

use rayon::prelude::*;
use serde_json::Value;

use crate::model::{
    Change, ChangeKind, FieldPath, Finder, JudgedChange, ObjectReport, ObjectStatus, PackedObject,
    PathElement, Report, ResourceKey, SecretPlace, SecretValue, Warning,
};
use echoes::QuotableValues;
pub use explanation::RedactedExplanation;
use mask::Masker;
pub use names::is_sensitive_name;
use pasted::PastedValues;
use place::{MaskContext, ParentFacts, SecrecyLevel};

/// Replaces a secret value.
pub const MASK: &str = "(redacted)";
/// Replaces a secret value whose two sides differ.
pub const DIFFERS: &str = "(redacted, differs)";
/// Replaces a value that exists only in the cluster, if the reader must not see it.
pub const HIDDEN: &str = "(hidden, live only)";

/// A report without secrets, or whose reader asked for them.
#[derive(Debug, Clone)]
pub struct Redacted(Report);

impl Redacted {
    /// Returns the report unchanged, for `--show-secrets`.
    pub fn showing_secrets(report: Report) -> Self {
        Self(report)
    }

    /// Returns the report without some of its drift: changes, or that an object is missing or extra
    /// as a whole. The verdict and the counts of objects stay.
    pub fn without(&self, drift: &dyn Fn(&ObjectReport, Option<&JudgedChange>) -> bool) -> Self {
        let mut report = self.0.clone();
        for object in &mut report.objects {
            object.found = Some(object.status());
            let changes = object.drifts.iter();
            let kept: Vec<JudgedChange> = changes
                .filter(|change| !change.is_reported() || !drift(object, Some(change)))
                .cloned()
                .collect();
            if object.whole_severity.is_some() && drift(object, None) {
                object.whole_severity = None;
            }
            object.drifts = kept;
        }
        Self(report)
    }
}

impl Deref for Redacted {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.0
    }
}

/// A user rule: returns whether the value at a path of an object is secret.
pub type Predicate = Box<dyn Fn(&ResourceKey, &FieldPath) -> bool + Send + Sync>;

/// Whether values that exist only in the cluster are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LiveValues {
    /// Shown, except for secrets.
    #[default]
    Shown,
    /// Hidden: the author of the manifests chose which objects are read, and may not be allowed to
    /// see them.
    Hidden,
}

/// Which whole objects the reader of a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WholeObjects {
    /// Both sides of every object with drift.
    #[default]
    Drifted,
    /// Only those that no manifest declares. The others are left out of the report instead of being
    /// masked, which takes longer than everything else about an object with drift.
    Extra,
}

/// Masks secrets by the built-in patterns and further rules.
#[derive(Default)]
pub struct Redactor {
    /// The user's rules, in addition to the built-in patterns.
    pub also: Option<Predicate>,
    /// Whether what exists only in the cluster is shown.
    pub live_values: LiveValues,
    /// Which whole objects are shown.
    pub whole: WholeObjects,
    /// The values of Secrets to search for.
    pasted: PastedValues,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("also", &self.also.is_some())
            .field("live_values", &self.live_values)
            .finish()
    }
}

/// Masks secrets by the built-in patterns.
pub fn redact(report: Report) -> Redacted {
    Redactor::default().redact(report)
}

impl Redactor {
    /// Returns a redactor that masks what these rules mark as secret, too.
    pub fn of(also: Option<Predicate>, live_values: LiveValues) -> Self {
        Self {
            also,
            live_values,
            whole: WholeObjects::default(),
            pasted: PastedValues::default(),
        }
    }

    /// Masks only what a report shows of whole objects.
    #[must_use]
    pub fn showing(mut self, whole: WholeObjects) -> Self {
        self.whole = whole;
        self
    }

    /// Adds Secrets whose values are masked wherever they are.
    #[must_use]
    pub fn with_secrets(mut self, secrets: &[SecretValue]) -> Self {
        self.pasted = PastedValues::of(secrets);
        self
    }

    /// Masks every secret of a report.
    pub fn redact(&self, mut report: Report) -> Redacted {
        let secret = std::mem::take(&mut report.secret);
        let pasted = PastedValues::of(&std::mem::take(&mut report.secret_values));
        // A message may quote any value of any object.
        let are_quoted = !messages(&mut report).is_empty();
        let found: Vec<Vec<String>> = report
            .objects
            .par_iter_mut()
            .map(|object| self.object(object, &secret, &pasted, are_quoted))
            .collect();
        scrub(&mut report, found.concat(), &pasted);
        Redacted(report)
    }

    /// Masks a single live object.
    pub fn live(&self, key: &ResourceKey, mut live: Value) -> Value {
        let root = ParentFacts::of_kind(&key.kind, [None, Some(&live)]);
        let mut masker = Masker::new(self, key, root, &[]).with_own_values([None, Some(&live)]);
        masker.mask_object(MaskContext::root(&key.group), [None, Some(&mut live)]);
        live
    }

    /// Masks changes of an object that is not in a report. `sides` are the whole object.
    pub fn changes(&self, key: &ResourceKey, sides: [Option<&Value>; 2], changes: &mut [Change]) {
        let root = ParentFacts::of_kind(&key.kind, sides);
        let views = &Views::of(sides);
        let mut masker = Masker::new(self, key, root, &[]);
        for one in changes {
            change(&mut masker, key, views, root, one);
        }
    }

    /// Masks an object's secrets in a message that someone else wrote. `sides` are the declared and
    /// the live object.
    pub fn message(&self, key: &ResourceKey, sides: [Option<&Value>; 2], message: &str) -> String {
        let root = ParentFacts::of_kind(&key.kind, sides);
        if root.is_secret() {
            return MASK.to_owned();
        }
        let mut copies = sides.map(|side| side.cloned());
        let mut masker = Masker::new(self, key, root, &[]);
        let [declared, live] = &mut copies;
        masker.mask_object(
            MaskContext::root(&key.group),
            [declared.as_mut(), live.as_mut()],
        );
        let mut found = masker.found;
        let decoded: Vec<String> = found.iter().filter_map(|text| decode(text)).collect();
        found.extend(decoded);
        let mut message = message.to_owned();
        scrub_messages(
            vec![&mut message],
            found.clone(),
            BTreeSet::new(),
            &self.pasted,
        );
        match echoes::contains_part(&message, &found) {
            true => MASK.to_owned(),
            false => message,
        }
    }

    /// Masks one object with `secret` places; returns what was masked, which messages may quote if
    /// there are any.
    fn object(
        &self,
        object: &mut ObjectReport,
        secret: &[SecretPlace],
        pasted: &PastedValues,
        are_quoted: bool,
    ) -> Vec<String> {
        let key = object.key.clone();
        let unpacked = |view: &Option<PackedObject>| view.as_ref().map(PackedObject::value);
        let (mut declared, mut live) = (unpacked(&object.declared), unpacked(&object.live));
        let sides = [declared.as_ref(), live.as_ref()];
        let root = ParentFacts::of_kind(&key.kind, sides);
        let views = &Views::of(sides);
        let masker = Masker::new(self, &key, root, secret).with_own_values(sides);
        let mut masker = masker.searching(pasted);
        for drift in &mut object.drifts {
            // The base's value is one more side of the same place.
            if let Some(merge) = &mut drift.merge {
                let mut base = Change {
                    kind: ChangeKind::Removed,
                    declared: merge.base.take(),
                    live: None,
                    ..drift.change.clone()
                };
                change(&mut masker, &key, views, root, &mut base);
                merge.base = base.declared;
            }
            change(&mut masker, &key, views, root, &mut drift.change);
        }
        let is_shown =
            self.whole == WholeObjects::Drifted || object.status() == ObjectStatus::Extra;
        if is_shown || are_quoted || masker.hides_live() {
            masker.mask_object(
                MaskContext::root(&key.group),
                [declared.as_mut(), live.as_mut()],
            );
        }
        if let Some(live) = &mut live {
            masker.hide_live_only(declared.as_ref(), live);
        }
        if masker.hides_live() {
            live_only::hide_live_only(object, declared.as_ref());
        }
        let packed = |side: Option<Value>| side.filter(|_| is_shown).map(PackedObject::from);
        (object.declared, object.live) = (packed(declared), packed(live));
        for violation in &mut object.violations {
            let manifest = object.manifest.as_ref().map(|manifest| manifest.value());
            let quoted = violation.quoted.take().map(|live| live.value());
            let Some(message) = &mut violation.message else {
                continue;
            };
            *message = match masker.hides_live() {
                true => HIDDEN.to_owned(),
                false => self.message(&key, [manifest.as_ref(), quoted.as_ref()], message),
            };
        }
        masker.found
    }
}

/// Both sides of a whole object.
struct Views<'v> {
    sides: [Option<Finder<'v>>; 2],
    /// What is known about Secrets in it, by their addresses. Each of thousands of changes of a
    /// Secret would otherwise check all of it again.
    secrets: RefCell<HashMap<[Option<*const Value>; 2], ParentFacts>>,
}

impl<'v> Views<'v> {
    fn of(sides: [Option<&'v Value>; 2]) -> Self {
        Self {
            sides: sides.map(|side| side.map(Finder::strict)),
            secrets: RefCell::new(HashMap::new()),
        }
    }

    fn roots(&self) -> [Option<&'v Value>; 2] {
        let [declared, live] = &self.sides;
        [declared, live].map(|side| side.as_ref().map(Finder::root))
    }

    fn step(&self, nodes: [Option<&'v Value>; 2], segment: &PathElement) -> [Option<&'v Value>; 2] {
        std::array::from_fn(|side| self.sides[side].as_ref()?.step(nodes[side]?, segment))
    }

    /// Returns what the values at a place say about those below.
    fn facts(&self, nodes: [Option<&'v Value>; 2]) -> ParentFacts {
        if !place::has_secret(nodes) {
            return ParentFacts::of(nodes);
        }
        let addresses = nodes.map(|node| node.map(std::ptr::from_ref));
        let mut known = self.secrets.borrow_mut();
        *known
            .entry(addresses)
            .or_insert_with(|| ParentFacts::of(nodes))
    }
}

/// Masks one change. `views` are the whole objects, for what its path does not show: the
/// surrounding objects, and the names of list items.
fn change(
    masker: &mut Masker<'_>,
    key: &ResourceKey,
    views: &Views<'_>,
    root: ParentFacts,
    change: &mut Change,
) {
    if root.is_secret() {
        cut_secret_path(&mut change.path, root, &mut masker.found);
    }
    let (place, hidden_from) = place_of(masker, key, views, root, &change.path);
    if let Some(from) = hidden_from {
        mask_segments(&mut change.path, from);
    }
    mask_texts(masker, &mut change.path);
    let sides = [change.declared.as_mut(), change.live.as_mut()];
    let whole =
        place.level == SecrecyLevel::Masked || sides.iter().flatten().any(|v| place.hides(v));
    if whole {
        masker.replace(sides);
        if change.kind == ChangeKind::Modified {
            for value in [&mut change.declared, &mut change.live]
                .into_iter()
                .flatten()
            {
                *value = Value::from(DIFFERS);
            }
        }
    } else {
        let path = change.path.clone();
        masker.mask(place, &path, sides);
    }
    if let Some(live) = &mut change.live {
        masker.hide_live_only(change.declared.as_ref(), live);
    }
    if let (ChangeKind::Added, true, Some(PathElement::Value(item))) =
        (change.kind, masker.hides_live(), change.path.0.last_mut())
    {
        *item = Value::from(HIDDEN);
    }
}

/// Cuts a path in a Secret's data after the key. By its type it has nothing below a key; a value
/// there may be the secret itself, used as a key by mistake.
fn cut_secret_path(path: &mut FieldPath, root: ParentFacts, found: &mut Vec<String>) {
    let keep = match path.0.first() {
        Some(PathElement::Field(first)) => match (first.as_str(), path.0.get(1)) {
            ("metadata", _) if root.is_well_formed_secret() => return,
            ("metadata" | "data" | "stringData", Some(PathElement::Field(_))) => 2,
            _ => 1,
        },
        _ => 0,
    };
    for cut in path.0.drain(keep..) {
        match cut {
            PathElement::Field(name) => found.push(name),
            PathElement::Value(Value::String(text)) => found.push(text),
            PathElement::Key(keys) => {
                found.extend(keys.values().filter_map(Value::as_str).map(str::to_owned));
            }
            PathElement::Value(_) | PathElement::Index(_) => {}
        }
    }
    if let Some(PathElement::Field(name)) = path.0.get_mut(1)
        && !place::is_data_key(name)
    {
        found.push(std::mem::replace(name, MASK.to_owned()));
    }
}

/// Returns how secret a path is, and from which of its elements on.
fn place_of(
    masker: &Masker<'_>,
    key: &ResourceKey,
    views: &Views<'_>,
    root: ParentFacts,
    path: &FieldPath,
) -> (MaskContext, Option<usize>) {
    let mut place = MaskContext::root(&key.group);
    let mut nodes = views.roots();
    let mut hidden_from = None;
    let mut holder = views.facts(nodes).or(root);
    for (i, segment) in path.0.iter().enumerate() {
        place = place.step(holder, segment);
        if masker.is_hidden_by_rule(&FieldPath(path.0[..=i].to_vec())) {
            place = place.masked();
        }
        if place.level != SecrecyLevel::Shown {
            hidden_from.get_or_insert(i);
        } else {
            hidden_from = None;
        }
        nodes = views.step(nodes, segment);
        holder = views.facts(nodes).or(place::holder_of_key(segment));
        if matches!(segment, PathElement::Index(_)) && nodes == [None, None] {
            holder = ParentFacts::unknown_item();
        }
    }
    (place, hidden_from)
}

/// Masks the values that identify items of a secret list in a path.
fn mask_segments(path: &mut FieldPath, from: usize) {
    for segment in path.0.iter_mut().skip(from) {
        match segment {
            PathElement::Value(value) => *value = Value::from(MASK),
            PathElement::Key(keys) => {
                for (name, value) in keys.iter_mut() {
                    if !names::is_about(name) {
                        *value = Value::from(MASK);
                    }
                }
            }
            PathElement::Field(_) | PathElement::Index(_) => {}
        }
    }
}

/// Masks secrets within the values that identify list items in a path.
fn mask_texts(masker: &mut Masker<'_>, path: &mut FieldPath) {
    for segment in &mut path.0 {
        let values: Vec<&mut Value> = match segment {
            PathElement::Value(value) => vec![value],
            PathElement::Key(keys) => {
                let named = keys
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(is_sensitive_name);
                for (field, value) in keys.iter_mut() {
                    let secret =
                        names::NameClass::of(field).value || (named && text::is_value_field(field));
                    if secret
                        && !value
                            .as_str()
                            .is_some_and(|text| text::is_no_secret(text, false))
                    {
                        masker.replace([Some(value), None]);
                    }
                }
                keys.values_mut().collect()
            }
            PathElement::Field(name) => {
                masker.mask_pasted(name);
                continue;
            }
            PathElement::Index(_) => continue,
        };
        for value in values {
            if let Value::String(only) = value {
                if let Some(masked) = text::mask_one(only, &mut masker.found) {
                    *only = masked;
                }
                masker.mask_pasted(only);
            }
        }
    }
}

/// Masks echoes of masked values: messages may quote a value, or the server's response about it.
fn scrub(report: &mut Report, found: Vec<String>, pasted: &PastedValues) {
    let of_objects = report.objects.iter();
    let groups = of_objects.map(|object| object.key.group.clone());
    let groups = groups.filter(|group| !group.is_empty()).collect();
    scrub_messages(messages(report), found, groups, pasted);
}

/// Returns the messages of a report.
fn messages(report: &mut Report) -> Vec<&mut String> {
    let mut messages: Vec<&mut String> = Vec::new();
    for Warning { message, .. } in report.warnings.iter_mut().chain(&mut report.skipped) {
        messages.push(message);
    }
    for object in &mut report.objects {
        messages.extend(object.reason.as_mut());
        let said = object.violations.iter_mut();
        messages.extend(said.filter_map(|violation| violation.message.as_mut()));
        messages.extend(object.drifts.iter_mut().filter_map(|d| d.note.as_mut()));
    }
    messages
}

/// Masks echoes of masked values in these messages, except in the names of API groups.
fn scrub_messages(
    messages: Vec<&mut String>,
    mut found: Vec<String>,
    groups: BTreeSet<String>,
    pasted: &PastedValues,
) {
    if messages.is_empty() {
        return;
    }
    let decoded: Vec<String> = found.iter().filter_map(|text| decode(text)).collect();
    found.extend(decoded);
    let echoes = QuotableValues::of(&messages, found, pasted.all()).exempting(groups);
    for message in messages {
        echoes.mask(message);
        if let Some(masked) = pasted.mask(message) {
            *message = masked;
        }
        pasted.mask_parts(message);
        if let Some(masked) = text::mask_message(message) {
            *message = masked;
        }
    }
}

/// Returns the text encoded as base64 in a Secret's data.
fn decode(text: &str) -> Option<String> {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text.trim())
        .ok()?;
    String::from_utf8(bytes).ok()
}
