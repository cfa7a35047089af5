//! The text form of a [`Schema`](super::Schema): a line for each kind, each type, and each field.
//!
//! ```text
//! kubernetes v1.36.2
//! kind apps/v1 Deployment deployments namespaced apps.v1.Deployment
//! type core.v1.Container
//!  image zero string
//!  ports empty list[containerPort,protocol](core.v1.ContainerPort)
//!  terminationMessagePath zero string = "/dev/termination-log"
//! type core.v1.ConfigMapKeySelector atomic
//! ```
//!
//! The second word of a field is its [`Zero`] (`pointer`, `zero`, `empty`, `always`, `struct`), the
//! third its type: a scalar, the name of a type, `list(T)` (atomic), `set(T)`, `list[key,key](T)`,
//! or `map(T)`. `!` after a map or a name makes it atomic; `~` makes an atomic type granular in
//! this field. ` = ` is followed by the default in JSON. Types are sorted, so that changes between
//! Kubernetes versions are readable as a diff.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Field, ListKind, ScalarType, Type, TypeId, Zero};

/// A kind in the table.
pub(super) struct KindLine<'t> {
    pub api_version: &'t str,
    pub kind: &'t str,
    pub plural: &'t str,
    pub namespaced: bool,
}

/// A table whose types are parsed on first use.
///
/// A run needs few of the types, so only the positions of their names are read at first. The named
/// types are sorted, and the ID of a type is its index; other types (`list(string)`) get the next
/// ID when a field first mentions them.
///
/// The table is compiled in, and a test compares it with its source. So malformed lines are
/// skipped, and a type that is missing is [`Type::Any`]: no user input is read here.
#[derive(Debug)]
pub(super) struct SchemaTable {
    text: &'static str,
    /// The position of each named type's name.
    starts: Vec<usize>,
    named: Vec<OnceLock<Type>>,
    /// Sorted by `apiVersion` and kind.
    kinds: Vec<KindEntry>,
    /// The IDs of expressions, by their spelling.
    ids: Mutex<HashMap<&'static str, TypeId>>,
    /// The expressions, in the order of their IDs, with capacity for all that the table can
    /// contain.
    expressions: Vec<OnceLock<UnnamedType>>,
}

/// A kind, and its type once it is needed.
#[derive(Debug)]
struct KindEntry {
    api_version: &'static str,
    kind: &'static str,
    type_name: &'static str,
    id: OnceLock<TypeId>,
}

/// How many types without a name the table may contain. A test compares it with the table.
const MOST_EXPRESSIONS: usize = 768;

/// A type without a name.
#[derive(Debug)]
struct UnnamedType {
    spelling: &'static str,
    ty: OnceLock<Type>,
}

impl SchemaTable {
    /// Indexes the types of a table.
    pub fn of(text: &'static str) -> Self {
        const TYPE: &str = "\ntype ";
        let starts = memchr::memmem::find_iter(text.as_bytes(), TYPE);
        let starts: Vec<usize> = starts.map(|start| start + TYPE.len()).collect();
        let kinds = text.lines().map_while(kind_or_version).flatten();
        let mut kinds: Vec<KindEntry> = kinds
            .map(|(kind, type_name)| KindEntry {
                api_version: kind.api_version,
                kind: kind.kind,
                type_name,
                id: OnceLock::new(),
            })
            .collect();
        // The table is sorted; this is for one that a person edited.
        kinds.sort_by_key(|entry| (entry.api_version, entry.kind));
        Self {
            text,
            named: starts.iter().map(|_| OnceLock::new()).collect(),
            starts,
            kinds,
            ids: Mutex::default(),
            expressions: (0..MOST_EXPRESSIONS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Returns how many types there are.
    pub fn len(&self) -> usize {
        self.named.len() + self.expressions.len()
    }

    /// Returns how many types have names.
    #[cfg(test)]
    pub fn named_len(&self) -> usize {
        self.named.len()
    }

    /// Returns the type with a name.
    pub fn named(&self, name: &str) -> Option<TypeId> {
        let place = self
            .starts
            .binary_search_by(|start| self.name_at(*start).cmp(name));
        Some(TypeId(u32::try_from(place.ok()?).ok()?))
    }

    /// Returns the name of a type; empty for lists, maps and scalars.
    pub fn name(&self, index: usize) -> &'static str {
        if let Some(start) = self.starts.get(index) {
            return self.name_at(*start);
        }
        let spelling = self
            .expression_at(index)
            .map(|expression| expression.spelling);
        spelling.and_then(variant).map_or("", |(name, _)| name)
    }

    /// Returns the type of a kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        let wanted = (api_version, kind);
        let found = self
            .kinds
            .binary_search_by(|entry| (entry.api_version, entry.kind).cmp(&wanted));
        let entry = self.kinds.get(found.ok()?)?;
        Some(*entry.id.get_or_init(|| self.known(entry.type_name)))
    }

    /// Returns a type by its index.
    pub fn get(&self, index: usize) -> &Type {
        static ANY: Type = Type::Any;
        if let Some(slot) = self.named.get(index) {
            return slot.get_or_init(|| {
                let (flag, lines) = self.section(index);
                self.structure(lines, flag == "atomic")
            });
        }
        match self.expression_at(index) {
            Some(found) => found.ty.get_or_init(|| self.expression(found.spelling)),
            None => &ANY,
        }
    }

    fn expression_at(&self, index: usize) -> Option<&UnnamedType> {
        let index = index.checked_sub(self.named.len())?;
        self.expressions.get(index)?.get()
    }

    /// Returns the name at a position.
    fn name_at(&self, start: usize) -> &'static str {
        let rest = self.text.get(start..).unwrap_or_default();
        let end = memchr::memchr2(b' ', b'\n', rest.as_bytes());
        end.and_then(|end| rest.get(..end)).unwrap_or(rest)
    }

    /// Returns the remainder of a named type's header, and its lines.
    fn section(&self, index: usize) -> (&'static str, &'static str) {
        let start = self.starts.get(index).copied().unwrap_or(self.text.len());
        let next = self.starts.get(index + 1);
        let end = next.map_or(self.text.len(), |next| next.saturating_sub("type ".len()));
        let section = self.text.get(start..end).unwrap_or_default();
        let (header, lines) = section.split_once('\n').unwrap_or((section, ""));
        (header.split_once(' ').map_or("", |(_, flag)| flag), lines)
    }

    /// Returns the ID of an expression; assigns one if it has none.
    fn known(&self, spelling: &'static str) -> TypeId {
        if let Some(id) = self.named(spelling) {
            return id;
        }
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = ids.get(spelling) {
            return *id;
        }
        let place = ids.len();
        let Some(slot) = self.expressions.get(place) else {
            return TypeId(u32::MAX);
        };
        let id = TypeId(u32::try_from(self.named.len() + place).unwrap_or(u32::MAX));
        ids.insert(spelling, id);
        slot.get_or_init(|| UnnamedType {
            spelling,
            ty: OnceLock::new(),
        });
        id
    }

    fn structure(&self, lines: &'static str, atomic: bool) -> Type {
        let lines = lines.lines().filter_map(|line| line.strip_prefix(' '));
        let fields = lines.filter_map(|line| self.field(line));
        Type::Struct {
            fields: fields.map(|(name, field)| (name.into(), field)).collect(),
            atomic,
            open: false,
            embedded: false,
        }
    }

    fn field(&self, line: &'static str) -> Option<(&'static str, Field)> {
        let (line, default) = match line.split_once(" = ") {
            Some((line, default)) => (line, Some(serde_json::from_str(default).ok()?)),
            None => (line, None),
        };
        let mut words = line.split(' ');
        let name = words.next()?;
        let zero = match words.next()? {
            "zero" => Zero::ZeroAbsent,
            "empty" => Zero::EmptyAbsent,
            "always" => Zero::Always,
            "struct" => Zero::Struct,
            _ => Zero::Pointer,
        };
        let field = Field {
            ty: self.known(words.next()?),
            zero,
            default,
            nullable: false,
        };
        Some((name, field))
    }

    fn expression(&self, spelling: &'static str) -> Type {
        if let Some(scalar) = scalar(spelling) {
            return Type::Scalar(scalar);
        }
        // A struct that differs from a named one only in whether it is atomic.
        if let Some((name, atomic)) = variant(spelling)
            && let Some(id) = self.named(name)
        {
            return self.structure(self.section(id.0 as usize).1, atomic);
        }
        let Some(inner) = element(spelling).map(|inner| self.known(inner)) else {
            return Type::Any;
        };
        if spelling.starts_with("map(") {
            return Type::Map {
                value: inner,
                atomic: spelling.ends_with('!'),
            };
        }
        let keys = spelling.strip_prefix("list[");
        let kind = match keys.and_then(|rest| rest.split_once(']')) {
            Some((keys, _)) => ListKind::Map(keys.split(',').map(Box::from).collect()),
            None if spelling.starts_with("set(") => ListKind::Set,
            None => ListKind::Atomic,
        };
        Type::List { item: inner, kind }
    }
}

/// Returns the item type of a map, a list or a set.
fn element(spelling: &str) -> Option<&str> {
    let (function, rest) = spelling.split_once('(')?;
    let plain = rest.strip_suffix('!').unwrap_or(rest);
    let is_known = matches!(function, "map" | "list" | "set") || function.starts_with("list[");
    plain.strip_suffix(')').filter(|_| is_known)
}

/// Parses a line at the start of a table: the version, or a kind. Returns `None` at the first other
/// line.
fn kind_or_version(line: &'static str) -> Option<Option<(KindLine<'static>, &'static str)>> {
    match line.strip_prefix("kubernetes ") {
        Some(_) => Some(None),
        None => kind_line(line).map(Some),
    }
}

/// Returns the kinds of a table.
pub(super) fn kind_lines(table: &str) -> impl Iterator<Item = KindLine<'_>> {
    table
        .lines()
        .take_while(|line| !line.starts_with("type "))
        .filter_map(|line| kind_line(line).map(|(kind, _)| kind))
}

fn kind_line(line: &str) -> Option<(KindLine<'_>, &str)> {
    let mut words = line.strip_prefix("kind ")?.split(' ');
    let kind = KindLine {
        api_version: words.next()?,
        kind: words.next()?,
        plural: words.next()?,
        namespaced: words.next()? == "namespaced",
    };
    Some((kind, words.next()?))
}

fn variant(spelling: &str) -> Option<(&str, bool)> {
    match spelling.strip_suffix('!') {
        Some(name) => (!name.ends_with(')')).then_some((name, true)),
        None => Some((spelling.strip_suffix('~')?, false)),
    }
}

fn scalar(word: &str) -> Option<ScalarType> {
    SCALARS
        .iter()
        .find_map(|(spelling, scalar)| (*spelling == word).then_some(*scalar))
}

/// Returns the word for a scalar type in the table.
pub fn word_of(scalar: ScalarType) -> &'static str {
    let known = SCALARS.iter().find(|(_, known)| *known == scalar);
    known.map_or("any", |(word, _)| word)
}

const SCALARS: [(&str, ScalarType); 9] = [
    ("string", ScalarType::String),
    ("boolean", ScalarType::Boolean),
    ("integer", ScalarType::Integer),
    ("number", ScalarType::Number),
    ("quantity", ScalarType::Quantity),
    ("int-or-string", ScalarType::IntOrString),
    ("duration", ScalarType::Duration),
    ("time", ScalarType::Time),
    ("bytes", ScalarType::Bytes),
];
