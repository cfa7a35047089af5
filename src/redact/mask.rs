//! Walks both sides of an object together and masks secrets in either.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use serde_json::{Map, Value};

use super::echoes::is_distinctive;
use super::pasted::PastedValues;
use super::place::{
    MaskContext, ParentFacts, PlaceSides, SecrecyLevel, is_object_copy, is_text_map,
};
use super::{DIFFERS, LiveValues, MASK, Redactor, text};
use crate::model::{FieldPath, PathElement, ResourceKey, SecretPlace};

/// Values that are nested more deeply are masked as a whole. Parsers limit the depth far below it.
const MAX_DEPTH: usize = 512;

/// The two sides of a place to mask.
pub(super) type SidesMut<'v> = [Option<&'v mut Value>; 2];

/// The state for one object.
pub(super) struct Masker<'r> {
    redactor: &'r Redactor,
    key: &'r ResourceKey,
    /// Secret places in the object, according to its source.
    secret: Vec<&'r SecretPlace>,
    /// The current path; kept only if a user rule or such a place needs it.
    path: FieldPath,
    /// The kind of the object, and what else is known about it.
    root: ParentFacts,
    depth: usize,
    /// The values of a Secret, which its annotations may repeat.
    own: Option<AhoCorasick>,
    /// The values of the run's Secrets.
    pasted: &'r PastedValues,
    /// The masked values, to search for in messages.
    pub(super) found: Vec<String>,
}

impl<'r> Masker<'r> {
    pub(super) fn new(
        redactor: &'r Redactor,
        key: &'r ResourceKey,
        root: ParentFacts,
        secret: &'r [SecretPlace],
    ) -> Self {
        Self {
            redactor,
            key,
            secret: secret.iter().filter(|place| place.is_in(key)).collect(),
            path: FieldPath::root(),
            root,
            depth: 0,
            own: None,
            pasted: &redactor.pasted,
            found: Vec::new(),
        }
    }

    /// Searches for the values of these Secrets instead of those that the redactor knows.
    pub(super) fn searching(mut self, pasted: &'r PastedValues) -> Self {
        self.pasted = pasted;
        self
    }

    /// Masks the values of Secrets in a text.
    pub(super) fn mask_pasted(&mut self, text: &mut String) {
        if let Some(masked) = self.pasted.mask(text) {
            self.found.push(std::mem::replace(text, masked));
        }
    }

    /// Collects the values of a Secret, to search for them in the rest of it.
    pub(super) fn with_own_values(mut self, sides: PlaceSides<'_>) -> Self {
        let annotated = |side: &&Value| {
            ["annotations", "labels"]
                .iter()
                .any(|map| side.pointer(&format!("/metadata/{map}")).is_some())
        };
        if !self.root.is_secret() || !sides.iter().flatten().any(annotated) {
            return self;
        }
        let mut values = Vec::new();
        for side in sides.into_iter().flatten() {
            for map in ["data", "stringData"] {
                side.get(map)
                    .into_iter()
                    .for_each(|data| texts(data, &mut values));
            }
        }
        let decoded: Vec<String> = values
            .iter()
            .filter_map(|text| super::decode(text))
            .collect();
        values.extend(decoded);
        values.retain(|text| is_distinctive(text));
        // Without any, as in metadata alone, there is nothing to search for.
        if !values.is_empty() {
            self.own = AhoCorasick::new(values).ok();
        }
        self
    }

    /// Returns whether a user rule hides `path`, or its source says that it is secret.
    pub(super) fn is_hidden_by_rule(&self, path: &FieldPath) -> bool {
        let also = self.redactor.also.as_ref();
        also.is_some_and(|also| also(self.key, path))
            || self.secret.iter().any(|place| place.covers(path))
    }

    /// Returns whether the current path is needed.
    fn needs_path(&self) -> bool {
        self.redactor.also.is_some() || !self.secret.is_empty()
    }

    /// Masks the whole object, as far as either side has it.
    pub(super) fn mask_object(&mut self, place: MaskContext, sides: SidesMut<'_>) {
        let is_object = sides.iter().flatten().all(|value| value.is_object());
        if self.root.is_secret() && !is_object {
            return self.replace(sides);
        }
        self.path = FieldPath::root();
        self.depth = 0;
        self.walk(place, sides);
    }

    /// Masks a value that exists on one or both sides; `path` is its path.
    pub(super) fn mask(&mut self, place: MaskContext, path: &FieldPath, sides: SidesMut<'_>) {
        if path.0.is_empty() {
            return self.mask_object(place, sides);
        }
        if self.needs_path() {
            self.path = path.clone();
        }
        self.depth = 1; // the root is behind it
        self.walk(place, sides);
    }

    fn walk(&mut self, place: MaskContext, mut sides: SidesMut<'_>) {
        let ruled = self.needs_path() && self.is_hidden_by_rule(&self.path);
        if ruled || place.level == SecrecyLevel::Masked || self.depth >= MAX_DEPTH {
            return self.replace(sides);
        }
        self.depth += 1;
        match &mut sides {
            [Some(Value::Object(declared)), Some(Value::Object(live))] => {
                self.objects(place, Some(declared), Some(live));
            }
            [Some(Value::Object(only)), None] | [None, Some(Value::Object(only))] => {
                self.objects(place, Some(only), None);
            }
            [Some(Value::Array(declared)), Some(Value::Array(live))] => {
                self.arrays(place, declared, live);
            }
            [Some(Value::Array(only)), None] | [None, Some(Value::Array(only))] => {
                self.arrays(place, only, &mut Vec::new());
            }
            [Some(declared), Some(live)]
                if (declared.is_object() || declared.is_array())
                    || (live.is_object() || live.is_array()) =>
            {
                // Two different shapes: nothing corresponds.
                self.walk(place, [Some(declared), None]);
                self.walk(place, [None, Some(live)]);
            }
            _ => self.scalars(place, sides),
        }
        self.depth -= 1;
    }

    fn objects(
        &mut self,
        place: MaskContext,
        declared: Option<&mut Map<String, Value>>,
        live: Option<&mut Map<String, Value>>,
    ) {
        let mut nothing = Map::new();
        let mut nothing_either = Map::new();
        let declared = declared.unwrap_or(&mut nothing);
        let live = live.unwrap_or(&mut nothing_either);
        for side in [&mut *declared, &mut *live] {
            side.retain(|name, _| !is_object_copy(name));
            if let Some(Value::Object(metadata)) = side.get_mut("metadata") {
                metadata.remove("managedFields"); // repeats keys and values of the object
            }
        }
        for side in [&mut *declared, &mut *live] {
            self.mask_keys(side);
        }
        let mut holder = ParentFacts::of_fields([&*declared, &*live]);
        if self.depth == 1 {
            holder = holder.or(self.root);
        }
        for (name, value) in declared.iter_mut() {
            let at = secret_map(place.field(holder, name), holder, name);
            self.descend(PathElement::Field(name.clone()), |masker| {
                masker.secret_or_walk(at, [Some(value), live.get_mut(name)]);
            });
        }
        for (name, value) in live.iter_mut() {
            if !declared.contains_key(name) {
                let at = secret_map(place.field(holder, name), holder, name);
                self.descend(PathElement::Field(name.clone()), |masker| {
                    masker.secret_or_walk(at, [None, Some(value)]);
                });
            }
        }
    }

    /// Masks the values of Secrets that are used as keys.
    fn mask_keys(&self, fields: &mut Map<String, Value>) {
        let names = fields.keys();
        let masked: Vec<(String, String)> = names
            .filter_map(|name| Some((name.clone(), self.pasted.mask(name)?)))
            .collect();
        for (name, masked) in masked {
            if let Some(value) = fields.remove(&name) {
                fields.insert(masked, value);
            }
        }
    }

    /// Masks the data of a Secret key by key as long as it is a map of strings, else as a whole.
    fn secret_or_walk(&mut self, (place, data): (MaskContext, bool), sides: SidesMut<'_>) {
        let shaped = sides.iter().flatten().all(|value| is_text_map(value));
        match sides {
            [declared, live] if data && shaped => {
                let mut none = Value::Null;
                let mut none_either = Value::Null;
                let declared = declared.unwrap_or(&mut none);
                let live = live.unwrap_or(&mut none_either);
                self.text_maps(declared, live);
            }
            sides => self.walk(place, sides),
        }
    }

    fn text_maps(&mut self, declared: &mut Value, live: &mut Value) {
        let mut nothing = Map::new();
        let live = live.as_object_mut().unwrap_or(&mut nothing);
        if let Some(declared) = declared.as_object_mut() {
            for (name, value) in declared.iter_mut() {
                self.replace([Some(value), live.get_mut(name)]);
            }
            for (name, value) in live.iter_mut() {
                if !declared.contains_key(name) {
                    self.replace([None, Some(value)]);
                }
            }
        } else {
            live.values_mut()
                .for_each(|value| self.replace([None, Some(value)]));
        }
    }

    /// Masks lists item by item: by `name` if each item has its own, else by index.
    fn arrays(&mut self, place: MaskContext, declared: &mut [Value], live: &mut [Value]) {
        let mut partners: Vec<Option<usize>> = Vec::with_capacity(declared.len());
        let by_name = names(declared).zip(names(live));
        let by_name = by_name.map(|(ours, theirs)| {
            let theirs: HashMap<String, usize> = theirs.into_iter().zip(0..).collect();
            (ours, theirs)
        });
        for at in 0..declared.len() {
            partners.push(match &by_name {
                Some((ours, theirs)) => theirs.get(&ours[at]).copied(),
                None => Some(at).filter(|at| *at < live.len()),
            });
        }
        let flags = [secret_arguments(declared), secret_arguments(live)];
        let mut taken = vec![false; live.len()];
        for (at, value) in declared.iter_mut().enumerate() {
            let partner = partners.get(at).copied().flatten();
            let masked = flags[0][at] || partner.is_some_and(|partner| flags[1][partner]);
            let at_place = if masked { place.masked() } else { place };
            if let Some(partner) = partner {
                taken[partner] = true;
            }
            let segment = item_segment(value, at);
            let other = partner.and_then(|partner| live.get_mut(partner));
            self.descend(segment, |masker| {
                masker.walk(at_place, [Some(value), other]);
            });
        }
        for (at, value) in live.iter_mut().enumerate().filter(|(at, _)| !taken[*at]) {
            let at_place = if flags[1][at] { place.masked() } else { place };
            let segment = item_segment(value, at);
            self.descend(segment, |masker| masker.walk(at_place, [None, Some(value)]));
        }
    }

    fn scalars(&mut self, place: MaskContext, sides: SidesMut<'_>) {
        let repeats = |value: &Value| {
            let own = self.own.as_ref().zip(value.as_str());
            own.is_some_and(|(own, text)| own.is_match(text))
        };
        if sides
            .iter()
            .flatten()
            .any(|value| place.hides(value) || repeats(value))
        {
            return self.replace(sides);
        }
        match sides {
            [Some(Value::String(declared)), Some(Value::String(live))] => {
                if let Some(masked) = text::mask_both(declared, live, &mut self.found) {
                    (*declared, *live) = masked;
                }
                self.pasted.mask_both(declared, live);
            }
            sides => {
                for value in sides.into_iter().flatten() {
                    let Value::String(only) = value else {
                        continue;
                    };
                    if let Some(masked) = text::mask_one(only, &mut self.found) {
                        *only = masked;
                    }
                    self.mask_pasted(only);
                }
            }
        }
    }

    /// Replaces any value with the mask.
    pub(super) fn replace(&mut self, sides: SidesMut<'_>) {
        let differs = matches!(&sides, [Some(declared), Some(live)] if declared != live);
        for value in sides.iter().flatten() {
            collect(value, &mut self.found);
        }
        let [declared, live] = sides;
        if let Some(declared) = declared {
            *declared = Value::from(MASK);
        }
        if let Some(live) = live {
            *live = Value::from(if differs { DIFFERS } else { MASK });
        }
    }

    fn descend(&mut self, segment: PathElement, work: impl FnOnce(&mut Self)) {
        if !self.needs_path() {
            return work(self);
        }
        self.path.0.push(segment);
        work(self);
        self.path.0.pop();
    }

    /// Hides what exists only in the cluster, for runs with untrusted manifests.
    pub(super) fn hide_live_only(&self, declared: Option<&Value>, live: &mut Value) {
        if self.hides_live() {
            hide(declared, live, 0);
        }
    }

    /// Returns whether values that exist only in the cluster are hidden.
    pub(super) fn hides_live(&self) -> bool {
        self.redactor.live_values == LiveValues::Hidden
    }
}

/// Returns whether the place is the data of a well-formed Secret, along with the place.
fn secret_map(place: MaskContext, holder: ParentFacts, name: &str) -> (MaskContext, bool) {
    let data = holder.is_well_formed_secret() && matches!(name, "data" | "stringData");
    (place, data)
}

/// Returns the names of a list's items, if each has its own.
fn names(items: &[Value]) -> Option<Vec<String>> {
    let mut names = Vec::with_capacity(items.len());
    for item in items {
        names.push(item.get("name")?.as_str()?.to_owned());
    }
    let mut sorted: Vec<_> = names.iter().collect();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == names.len()).then_some(names)
}

fn item_segment(item: &Value, at: usize) -> PathElement {
    match item.get("name") {
        Some(name @ Value::String(_)) => {
            PathElement::Key([("name".to_owned(), name.clone())].into_iter().collect())
        }
        _ => PathElement::Index(at),
    }
}

/// Returns which items follow a flag such as `--password`.
fn secret_arguments(items: &[Value]) -> Vec<bool> {
    let words: Vec<&str> = items
        .iter()
        .map(|item| item.as_str().unwrap_or_default())
        .collect();
    let mut of_commands = text::in_arguments(&words).into_iter();
    let mut after_flag = false;
    let follows = |item: &Value| {
        let this = after_flag;
        after_flag = item.as_str().is_some_and(text::is_secret_flag);
        of_commands.next().unwrap_or_default() || this && !after_flag
    };
    items.iter().map(follows).collect()
}

/// Returns the strings within a value that is about to be masked.
fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        // If a map is masked as a whole, its keys may be values by mistake.
        Value::Object(map) => {
            for (name, item) in map {
                found.push(name.clone());
                collect(item, found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Returns the strings within a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn hide(declared: Option<&Value>, live: &mut Value, depth: usize) {
    if declared == Some(live) {
        return;
    }
    match (declared, live) {
        (Some(Value::Object(declared)), Value::Object(live)) if depth < MAX_DEPTH => {
            for (name, value) in live.iter_mut() {
                hide(declared.get(name), value, depth + 1);
            }
        }
        (Some(Value::Array(declared)), Value::Array(live))
            if depth < MAX_DEPTH && declared.len() == live.len() =>
        {
            for (declared, value) in declared.iter().zip(live) {
                hide(Some(declared), value, depth + 1);
            }
        }
        (_, live) => *live = Value::from(super::HIDDEN),
    }
}
