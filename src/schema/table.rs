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
//! A field's second word is its [`Zero`] (`pointer`, `zero`, `empty`, `always`, `struct`), the third
//! its type: a scalar, a type's name, `list(T)` (atomic), `set(T)`, `list[key,key](T)`, `map(T)`; `!`
//! after a map or a name makes it atomic, `~` makes an atomic type granular at this place. After
//! ` = ` stands the default, in JSON. The types are sorted, so that the changes from one Kubernetes
//! version to the next read as a diff.

use std::collections::{BTreeMap, HashMap};

use super::{Field, ListKind, Scalar, Schema, Type, TypeId, Zero};

/// A kind as the table knows it.
pub(super) struct KindLine<'t> {
    pub api_version: &'t str,
    pub kind: &'t str,
    pub plural: &'t str,
    pub namespaced: bool,
}

/// Reads a table.
///
/// The table is compiled in and a test holds it to its source, so that a line that cannot be read
/// is passed over and a type that is not there becomes [`Type::Any`]: no input of a user's is read
/// by this.
pub(super) fn parse(table: &str) -> Schema {
    let mut parser = Parser::default();
    parser.declare_types(table);
    let mut open = None;
    for line in table.lines() {
        if let Some(field) = line.strip_prefix(' ') {
            if let Some((name, field)) = parser.field(field) {
                parser.add_field(open, name, field);
            }
        } else if let Some(header) = line.strip_prefix("type ") {
            open = header
                .split(' ')
                .next()
                .and_then(|name| parser.ids.get(name).copied());
        } else if let Some((kind, type_name)) = kind_line(line) {
            let id = parser.id(type_name);
            parser
                .schema
                .kinds
                .insert((kind.api_version.to_owned(), kind.kind.to_owned()), id);
        }
    }
    parser.fill_variants();
    parser.schema
}

/// The kinds that a table lists.
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

#[derive(Default)]
struct Parser<'t> {
    schema: Schema,
    /// The types by their spelling: names, and expressions such as `list(string)`.
    ids: HashMap<&'t str, TypeId>,
    /// The spellings `name!` and `name~`: the name, and whether it is atomic there.
    variants: Vec<(TypeId, (&'t str, bool))>,
}

impl<'t> Parser<'t> {
    /// Gives every named type its id, so that types can refer to later ones.
    fn declare_types(&mut self, table: &'t str) {
        for header in table.lines().filter_map(|line| line.strip_prefix("type ")) {
            let (name, flag) = header.split_once(' ').unwrap_or((header, ""));
            let ty = Type::Struct {
                fields: BTreeMap::new(),
                atomic: flag == "atomic",
                open: false,
                embedded: false,
            };
            let id = self.schema.push(name, ty);
            self.ids.insert(name, id);
        }
    }

    fn add_field(&mut self, open: Option<TypeId>, name: &str, field: Field) {
        let ty = open.and_then(|id| self.schema.types.get_mut(id.0 as usize));
        if let Some(Type::Struct { fields, .. }) = ty {
            fields.insert(name.into(), field);
        }
    }

    fn field(&mut self, line: &'t str) -> Option<(&'t str, Field)> {
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
            ty: self.id(words.next()?),
            zero,
            default,
            nullable: false,
        };
        Some((name, field))
    }

    fn id(&mut self, spelling: &'t str) -> TypeId {
        if let Some(id) = self.ids.get(spelling) {
            return *id;
        }
        let ty = self.expression(spelling);
        let id = self.schema.push("", ty);
        self.ids.insert(spelling, id);
        if let Some(variant) = variant(spelling) {
            self.variants.push((id, variant));
        }
        id
    }

    fn expression(&mut self, spelling: &'t str) -> Type {
        if let Some(scalar) = scalar(spelling) {
            return Type::Scalar(scalar);
        }
        let plain = spelling.strip_suffix('!').unwrap_or(spelling);
        if let Some(value) = argument(plain, "map(") {
            return Type::Map {
                value: self.id(value),
                atomic: spelling.ends_with('!'),
            };
        }
        self.list(spelling).unwrap_or(Type::Any)
    }

    fn list(&mut self, spelling: &'t str) -> Option<Type> {
        let (item, kind) = if let Some(item) = argument(spelling, "list(") {
            (item, ListKind::Atomic)
        } else if let Some(item) = argument(spelling, "set(") {
            (item, ListKind::Set)
        } else {
            let (keys, rest) = spelling.strip_prefix("list[")?.split_once(']')?;
            let keys = keys.split(',').map(Box::from).collect();
            (argument(rest, "(")?, ListKind::Map(keys))
        };
        let item = self.id(item);
        Some(Type::List { item, kind })
    }

    /// Fills the structs that differ from a named one only in being atomic or not.
    fn fill_variants(&mut self) {
        for (variant, (name, value)) in std::mem::take(&mut self.variants) {
            let Some(id) = self.ids.get(name) else {
                continue;
            };
            let mut ty = self.schema.get(*id).clone();
            if let Type::Struct { atomic, .. } = &mut ty {
                *atomic = value;
            }
            if let Some(place) = self.schema.types.get_mut(variant.0 as usize) {
                *place = ty;
            }
            if let Some(place) = self.schema.names.get_mut(variant.0 as usize) {
                *place = name.into();
            }
        }
    }
}

fn variant(spelling: &str) -> Option<(&str, bool)> {
    match spelling.strip_suffix('!') {
        Some(name) => (!name.ends_with(')')).then_some((name, true)),
        None => Some((spelling.strip_suffix('~')?, false)),
    }
}

fn argument<'t>(spelling: &'t str, function: &str) -> Option<&'t str> {
    spelling.strip_prefix(function)?.strip_suffix(')')
}

fn scalar(word: &str) -> Option<Scalar> {
    SCALARS
        .iter()
        .find_map(|(spelling, scalar)| (*spelling == word).then_some(*scalar))
}

/// The word for a scalar type, as the table writes it.
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
