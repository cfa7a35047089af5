//! Holds that the files of a module form no import circle.
//!
//! At each level, a file and a folder next to each other are compared: if one uses the other,
//! directly or by way of a third, it is not used by it. A module and what is below it count as one,
//! because a `mod.rs` re-exports its children.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use crate::architecture::modules;

/// The path of a module, such as `source::kustomize`.
type ModulePath = Vec<String>;

/// The modules, with the paths that each uses and the names that each imports.
#[derive(Default)]
struct ImportGraph {
    uses: BTreeMap<ModulePath, BTreeSet<Vec<String>>>,
    imports: BTreeMap<ModulePath, BTreeMap<String, Vec<String>>>,
}

impl ImportGraph {
    /// Reads the files with these paths (`source/walk.rs`) and this code.
    fn of(files: &[(String, String)]) -> Self {
        let modules = files.iter().map(|(path, code)| (module_of(path), code));
        let modules: BTreeMap<ModulePath, &String> = modules.collect();
        let statement = Regex::new(r"(?m)^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);").unwrap();
        let inline = Regex::new(r"(?:^|[^\w:])([a-z_]\w*(?:::\w+)+)").unwrap();
        let literal = Regex::new(r#""(?:[^"\\]|\\.)*""#).unwrap();
        let mut graph = Self::default();
        for (module, code) in &modules {
            let code = code.replace("'\"'", "");
            let code = literal.replace_all(&code, "");
            let absolute = |path: &str| absolute(module, path, &modules);
            let uses = graph.uses.entry(module.clone()).or_default();
            let imports = graph.imports.entry(module.clone()).or_default();
            for found in statement.captures_iter(&code) {
                for one in leaves_of(&found[2]) {
                    let (path, alias) = one.split_once(" as ").unwrap_or((&one, ""));
                    let path = path.trim().trim_end_matches("::self");
                    let Some(path) = absolute(path) else { continue };
                    let name = match alias.trim() {
                        "" => path.last().cloned().unwrap_or_default(),
                        alias => alias.to_owned(),
                    };
                    imports.insert(name, path.clone());
                    // A re-export is a use by those who name it.
                    if found.get(1).is_none() {
                        uses.insert(path);
                    }
                }
            }
            let rest = statement.replace_all(&code, "");
            uses.extend(
                inline
                    .captures_iter(&rest)
                    .filter_map(|found| absolute(&found[1])),
            );
        }
        graph
    }

    /// Returns the module that defines what a path names: re-exports are followed.
    fn defining(&self, path: &[String]) -> Option<ModulePath> {
        let mut path = path.to_vec();
        for _ in 0..20 {
            let module = (0..=path.len()).rev().map(|end| path[..end].to_vec());
            let module = module
                .into_iter()
                .find(|one| self.imports.contains_key(one))?;
            let rest = &path[module.len()..];
            let Some(name) = rest.first() else {
                return Some(module);
            };
            match self.imports[&module].get(name) {
                Some(target) if *target != path => {
                    path = target.iter().chain(&rest[1..]).cloned().collect();
                }
                _ => return Some(module),
            }
        }
        None
    }

    /// Returns the circles, each as `output: words -> ignored -> words`.
    fn circles(&self) -> Vec<String> {
        let mut levels: BTreeMap<ModulePath, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (from, paths) in &self.uses {
            for to in paths.iter().filter_map(|path| self.defining(path)) {
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
                    let level = levels.entry(from[..common].to_vec()).or_default();
                    level.entry(a.clone()).or_default().insert(b.clone());
                }
            }
        }
        let mut circles = Vec::new();
        for (level, edges) in &levels {
            let mut known = BTreeSet::new();
            for start in edges.keys() {
                if let Some(circle) = way_back(edges, start)
                    && known.insert(circle.iter().cloned().collect::<BTreeSet<_>>())
                {
                    circles.push(format!("{}: {}", level.join("/"), circle.join(" -> ")));
                }
            }
        }
        circles
    }
}

/// Returns the shortest way from a node back to itself.
fn way_back(edges: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in edges.get(way.last()?).into_iter().flatten() {
                let mut way = way.clone();
                way.push(next.clone());
                if next == start {
                    return Some(way);
                }
                if seen.insert(next.clone()) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

/// Returns the module in a file.
fn module_of(file: &str) -> ModulePath {
    let path = file.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    match path {
        "lib" | "main" | "mod" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

/// Returns a path from the root of the crate; `None` for a path into another crate.
fn absolute(
    module: &[String],
    path: &str,
    modules: &BTreeMap<ModulePath, &String>,
) -> Option<Vec<String>> {
    let mut parts: Vec<String> = path.split("::").map(str::to_owned).collect();
    let above = parts.iter().take_while(|part| *part == "super").count();
    let base = match parts[0].as_str() {
        "crate" => &[],
        "self" => module,
        "super" => &module[..module.len().checked_sub(above)?],
        _ => {
            parts.splice(0..0, module.iter().cloned());
            return modules
                .contains_key(&parts[..=module.len()])
                .then_some(parts);
        }
    };
    let rest = parts.drain(above.max(1)..);
    Some(base.iter().cloned().chain(rest).collect())
}

/// Returns the paths of a `use` with groups: `a::{b, c::{d, e}}` has three.
fn leaves_of(text: &str) -> Vec<String> {
    let text = text.trim();
    let Some((start, group)) = text.split_once('{') else {
        return vec![text.to_owned()];
    };
    let group = group.strip_suffix('}').unwrap_or(group);
    let mut leaves = Vec::new();
    let (mut depth, mut from) = (0, 0);
    for (at, c) in group.char_indices().chain([(group.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let entry = group[from..at].trim();
                let below = leaves_of(entry).into_iter();
                leaves.extend(below.map(|leaf| format!("{}{leaf}", start.trim())));
                from = at + 1;
            }
            _ => {}
        }
    }
    leaves.retain(|leaf| !leaf.ends_with("::"));
    leaves
}

#[test]
fn files_next_to_each_other_form_no_import_circle() {
    let files = modules()
        .into_iter()
        .map(|module| (module.path.clone(), module.code()));
    let files: Vec<(String, String)> = files
        .filter(|(path, _)| path != "main.rs" && !path.ends_with("/tests.rs"))
        .collect();
    let graph = ImportGraph::of(&files);
    let used = graph.uses.values().map(BTreeSet::len).sum::<usize>();
    assert!(used > 1000, "the imports were not found");
    let circles = graph.circles();
    assert!(
        circles.is_empty(),
        "move what both use to a file of its own:\n{}",
        circles.join("\n")
    );
}

#[test]
fn finds_circles_through_exports_and_calls() {
    let file = |path: &str, code: &str| (path.to_owned(), code.to_owned());
    let graph = ImportGraph::of(&[
        file("lib.rs", "pub mod a;\npub mod b;\n"),
        file("a/mod.rs", "mod x;\nmod y;\npub use y::Y;\n"),
        file("a/x.rs", "use super::{Y as Z, w};\nstruct X(Z);\n"),
        file(
            "a/y.rs",
            "pub struct Y;\nfn f() { super::x::g('\"', \"\"); }\n",
        ),
        file("b.rs", "use crate::a::{self, Y};\nuse serde::Serialize;\n"),
    ]);
    assert_eq!(graph.circles(), ["a: x -> y -> x"]);
}
