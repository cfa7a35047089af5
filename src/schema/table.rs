//! The text form of a [`Schema`]: one line for each kind, one for each type, one for each field.
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
//! A field's second word is its [`Zero`] (`pointer`, `zero`, `empty`, `always`, `struct`), the
//! third its type: a scalar, a type's name, `list(T)` (atomic), `set(T)`, `list[key,key](T)`,
//! `map(T)`; `!` after a map or a name makes it atomic, `~` makes an atomic type granular at this
//! place. ` = ` is followed by the default, in JSON. The types are sorted, so that the changes
//! between Kubernetes versions are readable as a diff.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{Field, ListKind, Scalar, Schema, Type, TypeId, Zero};

/// A kind in the table.
pub(super) struct KindLine<'t> {
    pub api_version: &'t str,
    pub kind: &'t str,
    pub plural: &'t str,
    pub namespaced: bool,
}

/// A table whose types are parsed on first use.
///
/// The table is compiled in and a test checks it against its source, so an invalid line is skipped
/// and a missing type becomes [`Type::Any`]: no user input is parsed by this.
#[derive(Debug)]
pub(super) struct Table {
    /// The spelling of each type, by its ID: the named ones, then expressions such as
    /// `list(string)`.
    spellings: Vec<&'static str>,
    ids: HashMap<&'static str, TypeId>,
    /// The header of each named type without its name, and its lines.
    named: Vec<(&'static str, &'static str)>,
    kinds: HashMap<(&'static str, &'static str), TypeId>,
    types: Vec<OnceLock<Type>>,
}

impl Table {
    /// Indexes the types of a table.
    pub fn of(text: &'static str) -> Self {
        const TYPE: &str = "\ntype ";
        let mut table = Self {
            spellings: Vec::new(),
            ids: HashMap::new(),
            named: Vec::new(),
            kinds: HashMap::new(),
            types: Vec::new(),
        };
        let starts = memchr::memmem::find_iter(text.as_bytes(), TYPE);
        let starts: Vec<usize> = starts.collect();
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(text.len());
            let section = text.get(start + TYPE.len()..end).unwrap_or_default();
            let (header, lines) = section.split_once('\n').unwrap_or((section, ""));
            let (name, flag) = header.split_once(' ').unwrap_or((header, ""));
            table.named.push((flag, lines));
            table.id(name);
        }
        for (kind, name) in text.lines().map_while(kind_or_version).flatten() {
            let id = table.id(name);
            table.kinds.insert((kind.api_version, kind.kind), id);
        }
        for (word, _) in SCALARS {
            table.id(word);
        }
        for index in 0..table.named.len() {
            let lines = table.named[index].1;
            for line in lines.lines() {
                // All others are known by now.
                if line.contains(['(', '!', '~'])
                    && let Some(spelling) = line.split(' ').nth(3)
                {
                    table.id(spelling);
                }
            }
        }
        table.types = table.spellings.iter().map(|_| OnceLock::new()).collect();
        table
    }

    /// Returns its schema.
    pub fn schema(&'static self) -> Schema {
        let names = self.spellings.iter().enumerate();
        let names = names.map(|(index, spelling)| match self.named.get(index) {
            Some(_) => (*spelling).into(),
            None => variant(spelling).map_or("", |(name, _)| name).into(),
        });
        Schema {
            names: names.collect(),
            table: Some(self),
            ..Schema::default()
        }
    }

    /// Returns how many types there are.
    pub fn len(&self) -> usize {
        self.types.len()
    }

    /// Returns the type with a name.
    pub fn named(&self, name: &str) -> Option<TypeId> {
        let id = self.ids.get(name).copied()?;
        ((id.0 as usize) < self.named.len()).then_some(id)
    }

    /// Returns the type of a kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<TypeId> {
        self.kinds.get(&(api_version, kind)).copied()
    }

    /// Returns a type by its index.
    pub fn get(&self, index: usize) -> &Type {
        static ANY: Type = Type::Any;
        let Some(slot) = self.types.get(index) else {
            return &ANY;
        };
        slot.get_or_init(|| match self.named.get(index) {
            Some((flag, lines)) => self.structure(lines, *flag == "atomic"),
            None => self.expression(self.spellings.get(index).copied().unwrap_or_default()),
        })
    }

    /// Returns the ID of a spelling, which gets one if it has none; so do those within it.
    fn id(&mut self, spelling: &'static str) -> TypeId {
        if let Some(id) = self.ids.get(spelling) {
            return *id;
        }
        let id = TypeId(u32::try_from(self.spellings.len()).unwrap_or(u32::MAX));
        self.spellings.push(spelling);
        self.ids.insert(spelling, id);
        if let Some(inner) = element(spelling) {
            self.id(inner);
        }
        id
    }

    fn known(&self, spelling: &str) -> TypeId {
        self.ids.get(spelling).copied().unwrap_or(TypeId(u32::MAX))
    }

    fn structure(&self, lines: &str, atomic: bool) -> Type {
        let lines = lines.lines().filter_map(|line| line.strip_prefix(' '));
        let fields = lines.filter_map(|line| self.field(line));
        Type::Struct {
            fields: fields.map(|(name, field)| (name.into(), field)).collect(),
            atomic,
            open: false,
            embedded: false,
        }
    }

    fn field<'l>(&self, line: &'l str) -> Option<(&'l str, Field)> {
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

    fn expression(&self, spelling: &str) -> Type {
        if let Some(scalar) = scalar(spelling) {
            return Type::Scalar(scalar);
        }
        // A struct that differs from a named one only in being atomic or not.
        if let Some((name, atomic)) = variant(spelling)
            && let Some((_, lines)) = self.named.get(self.known(name).0 as usize)
        {
            return self.structure(lines, atomic);
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

/// Returns the kinds at the beginning of a table, after the line with its version.
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

fn scalar(word: &str) -> Option<Scalar> {
    SCALARS
        .iter()
        .find_map(|(spelling, scalar)| (*spelling == word).then_some(*scalar))
}

/// Returns the word for a scalar type in the table.
pub fn word_of(scalar: Scalar) -> &'static str {
    let known = SCALARS.iter().find(|(_, known)| *known == scalar);
    known.map_or("any", |(word, _)| word)
}

const SCALARS: [(&str, Scalar); 9] = [
    ("string", Scalar::String),
    ("boolean", Scalar::Boolean),
    ("integer", Scalar::Integer),
    ("number", Scalar::Number),
    ("quantity", Scalar::Quantity),
    ("int-or-string", Scalar::IntOrString),
    ("duration", Scalar::Duration),
    ("time", Scalar::Time),
    ("bytes", Scalar::Bytes),
];
