//! Reads from the Go types of Kubernetes how the zero value of a field is stored.
//!
//! Whether a declared `false`, `0` or `[]` is stored depends on two facts that OpenAPI does not
//! contain: whether the field is a pointer, and whether its tag has `omitempty`. This parses only
//! the part of Go that `types.go` files use.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// How each field of a type stores its zero value, by the name of the type in OpenAPI.
pub type ZeroValues = BTreeMap<String, BTreeMap<String, &'static str>>;

/// Reads the zero values of the types with these OpenAPI names.
///
/// `root` contains checkouts of k8s.io/api, apimachinery, apiextensions-apiserver and
/// kube-aggregator.
pub fn zero_values<'n>(root: &Path, names: impl Iterator<Item = &'n String>) -> ZeroValues {
    let mut source = Source {
        root: root.to_owned(),
        packages: HashMap::new(),
    };
    let mut found = ZeroValues::new();
    for name in names {
        let (package, ty) = name.rsplit_once('.').unwrap();
        let mut fields = BTreeMap::new();
        // io.k8s.api.apps.v1 → k8s.io/api/apps/v1
        let path = package
            .strip_prefix("io.k8s.")
            .map(|path| format!("k8s.io/{}", path.replace('.', "/")));
        source.collect(path.as_deref().unwrap_or(package), ty, &mut fields);
        if !fields.is_empty() {
            found.insert(name.clone(), fields);
        }
    }
    found
}

/// A field as written: `Replicas *int32 `json:"replicas,omitempty"``.
#[derive(Clone)]
struct GoField {
    /// Its JSON name; empty for an embedded struct.
    name: String,
    ty: String,
    omitted_when_empty: bool,
    /// The imports of its file, by their name in it.
    imports: HashMap<String, String>,
}

#[derive(Clone)]
enum GoType {
    Struct(Vec<GoField>),
    /// Another name for this type.
    Named(String, HashMap<String, String>),
}

struct Source {
    root: PathBuf,
    packages: HashMap<String, HashMap<String, GoType>>,
}

impl Source {
    fn collect(&mut self, package: &str, ty: &str, into: &mut BTreeMap<String, &'static str>) {
        match self.find(package, ty) {
            Some(GoType::Struct(fields)) => {
                for field in fields {
                    let (package, ty) = resolve(package, &field.ty, &field.imports);
                    if field.name.is_empty() {
                        self.collect(&package, &ty, into);
                    } else {
                        into.insert(field.name.clone(), self.zero(&package, &ty, &field));
                    }
                }
            }
            Some(GoType::Named(other, imports)) => {
                let (package, ty) = resolve(package, &other, &imports);
                self.collect(&package, &ty, into);
            }
            None => {}
        }
    }

    fn zero(&mut self, package: &str, ty: &str, field: &GoField) -> &'static str {
        let omitted = field.omitted_when_empty;
        match self.shape(package, ty) {
            Shape::Pointer => "pointer",
            Shape::Collection if omitted => "empty-absent",
            Shape::Scalar if omitted => "zero-absent",
            Shape::Struct => "struct",
            Shape::Collection | Shape::Scalar => "always",
        }
    }

    fn shape(&mut self, package: &str, ty: &str) -> Shape {
        if ty.starts_with('*') {
            return Shape::Pointer;
        }
        if ty.starts_with('[') || ty.starts_with("map[") {
            return Shape::Collection;
        }
        match self.find(package, ty) {
            Some(GoType::Struct(_)) => Shape::Struct,
            Some(GoType::Named(other, imports)) => {
                let (package, ty) = resolve(package, &other, &imports);
                self.shape(&package, &ty)
            }
            None => Shape::Scalar,
        }
    }

    fn find(&mut self, package: &str, ty: &str) -> Option<GoType> {
        if !self.packages.contains_key(package) {
            let types = self.read(package);
            self.packages.insert(package.to_owned(), types);
        }
        self.packages[package].get(ty).cloned()
    }

    fn read(&self, package: &str) -> HashMap<String, GoType> {
        let mut types = HashMap::new();
        let dir = package
            .strip_prefix("k8s.io/")
            .map(|path| self.root.join(path));
        let Some(entries) = dir.and_then(|dir| fs::read_dir(dir).ok()) else {
            return types;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.ends_with(".go")
                && !name.ends_with("_test.go")
                && !name.starts_with("generated.")
            {
                read_file(&fs::read_to_string(path).unwrap(), &mut types);
            }
        }
        types
    }
}

enum Shape {
    Pointer,
    Collection,
    Struct,
    Scalar,
}

/// Returns the package and name of a type, as a file of `package` refers to it.
fn resolve(package: &str, ty: &str, imports: &HashMap<String, String>) -> (String, String) {
    let is_composite = ty.starts_with(['*', '[']) || ty.starts_with("map[");
    match ty.split_once('.') {
        Some((import, name)) if !is_composite => {
            let path = imports.get(import).cloned().unwrap_or_default();
            (path, name.to_owned())
        }
        _ => (package.to_owned(), ty.to_owned()),
    }
}

fn read_file(text: &str, types: &mut HashMap<String, GoType>) {
    let mut imports = HashMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_end();
        if let Some((alias, path)) = import(line) {
            imports.insert(alias, path);
        }
        let Some((name, rest)) = line
            .strip_prefix("type ")
            .and_then(|line| line.split_once(' '))
        else {
            continue;
        };
        let ty = if rest == "struct {" {
            let body = lines.by_ref().take_while(|line| *line != "}");
            GoType::Struct(
                body.filter_map(|line| field(line.trim(), &imports))
                    .collect(),
            )
        } else if rest.starts_with("struct") {
            GoType::Struct(Vec::new())
        } else {
            let other = rest.split(" //").next().unwrap().trim_start_matches("= ");
            GoType::Named(other.to_owned(), imports.clone())
        };
        types.insert(name.to_owned(), ty);
    }
}

/// Parses `v1 "k8s.io/api/core/v1"`, alone or after `import`.
fn import(line: &str) -> Option<(String, String)> {
    let line = line.trim().trim_start_matches("import ").trim();
    let (alias, path) = line.strip_suffix('"')?.split_once('"')?;
    let path = path.strip_prefix("k8s.io/")?;
    let last = path.rsplit('/').next()?;
    let alias = if alias.trim().is_empty() {
        last
    } else {
        alias.trim()
    };
    Some((alias.to_owned(), format!("k8s.io/{path}")))
}

fn field(line: &str, imports: &HashMap<String, String>) -> Option<GoField> {
    if line.starts_with("//") {
        return None;
    }
    let (declaration, tags) = line.split_once('`')?;
    let json = tags.split_once("json:\"")?.1.split('"').next()?;
    let mut options = json.split(',');
    let name = options.next()?.to_owned();
    let words: Vec<&str> = declaration.split_whitespace().collect();
    Some(GoField {
        name: if name == "-" { return None } else { name },
        // An embedded struct has a type and no name.
        ty: (*words.last()?).to_owned(),
        omitted_when_empty: options.any(|option| option == "omitempty"),
        imports: imports.clone(),
    })
}
