//! ApplicationSets: the Applications that they stand for.

use std::path::Path;

use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use super::glob::path_glob;
use super::template::{Params, expand};
use crate::source::checkout::{Checkout, Checkouts};
use crate::source::gitops::{Target, Wanted};

/// The Applications of a set, each as an object.
///
/// # Errors
/// When one of its generators asks somebody else (a cluster, a pull request), or its templates
/// compute more than they look up.
pub fn applications(set: &Value, checkouts: &Checkouts<'_>) -> Result<Vec<Value>, String> {
    let spec = set.get("spec").unwrap_or(&Value::Null);
    let is_go = spec.get("goTemplate").is_some_and(|go| go == true);
    if spec.get("templatePatch").is_some() {
        return Err(
            "its templatePatch cannot be applied here: name an Application that it made \
                    (argocd:NAME)"
                .to_owned(),
        );
    }
    let template = spec.get("template").ok_or("it has no template")?;
    let mut applications = Vec::new();
    for generator in entries(spec.get("generators")) {
        for params in params_of(generator, checkouts, is_go)? {
            let mut application = json!({
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
            });
            for part in ["metadata", "spec"] {
                let part_template = template.get(part).unwrap_or(&Value::Null);
                application[part] = expand(part_template, &params)?;
            }
            if let Some(namespace) = set.pointer("/metadata/namespace") {
                application["metadata"]["namespace"] = namespace.clone();
            }
            applications.push(application);
        }
    }
    Ok(applications)
}

fn entries(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// What a generator makes of the template, one set of parameters for each Application.
fn params_of(
    generator: &Value,
    checkouts: &Checkouts<'_>,
    is_go: bool,
) -> Result<Vec<Params>, String> {
    let generator = generator.as_object().ok_or("a generator is no mapping")?;
    let mut found = Vec::new();
    for (kind, spec) in generator {
        if spec.get("template").is_some_and(|t| *t != json!({})) {
            return Err(format!(
                "the {kind} generator has a template of its own, which is not read"
            ));
        }
        match kind.as_str() {
            "list" if spec.get("elementsYaml").is_none() => {
                let elements = entries(spec.get("elements"));
                found.extend(elements.map(|element| Params::new(element.clone(), is_go)));
            }
            "git" if spec.get("files").is_none() => {
                let checkout = checkouts.of(Some(&target(spec)))?;
                for directory in directories(spec, &checkout)? {
                    found.push(of_directory(&directory, spec, is_go)?);
                }
            }
            _ => {
                return Err(format!(
                    "its {kind} generator cannot be expanded here, only list and git with \
                     directories can: name an Application that it made (argocd:NAME)"
                ));
            }
        }
    }
    Ok(found)
}

/// The revision that a git generator asks for.
fn target(spec: &Value) -> Target {
    let text = |field: &str| {
        let text = spec.get(field).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    Target {
        address: text("repoURL"),
        revision: Wanted::Any(text("revision")),
    }
}

/// The directories that a git generator finds, sorted.
fn directories(spec: &Value, checkout: &Checkout) -> Result<Vec<String>, String> {
    let (mut include, mut exclude) = (Vec::new(), Vec::new());
    for entry in entries(spec.get("directories")) {
        let path = entry.get("path").and_then(Value::as_str).unwrap_or("");
        let glob = path_glob(path)?;
        if entry.get("exclude").is_some_and(|exclude| exclude == true) {
            exclude.push(glob);
        } else {
            include.push(glob);
        }
    }
    let is_hidden = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b".");
    let all = WalkDir::new(&checkout.root)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.file_type().is_dir() && !is_hidden(entry.file_name()));
    let below = all.flatten().filter_map(|entry| {
        let below = entry.path().strip_prefix(&checkout.root).ok()?;
        below.to_str().map(|below| below.replace('\\', "/"))
    });
    let matches = |path: &String| {
        include.iter().any(|glob| glob.is_match(path))
            && !exclude.iter().any(|glob| glob.is_match(path))
    };
    Ok(below.filter(matches).collect())
}

/// The parameters of a directory.
fn of_directory(path: &str, spec: &Value, is_go: bool) -> Result<Params, String> {
    let base = Path::new(path).file_name().and_then(|name| name.to_str());
    let base = base.unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    let prefix = spec.get("pathParamPrefix").and_then(Value::as_str);
    let prefix = prefix.filter(|prefix| !prefix.is_empty());
    let params = if is_go {
        let all = json!({"path": {
            "path": path,
            "basename": base,
            "basenameNormalized": normalized(base),
            "segments": segments,
        }});
        prefix.map_or_else(|| all.clone(), |prefix| json!({prefix: all}))
    } else {
        let name = prefix.map_or_else(|| "path".to_owned(), |prefix| format!("{prefix}.path"));
        let mut flat = Map::new();
        flat.insert(name.clone(), json!(path));
        flat.insert(format!("{name}.basename"), json!(base));
        flat.insert(
            format!("{name}.basenameNormalized"),
            json!(normalized(base)),
        );
        for (at, segment) in segments.iter().enumerate() {
            flat.insert(format!("{name}[{at}]"), json!(segment));
        }
        Value::Object(flat)
    };
    let mut params = Params::new(params, is_go);
    if let Some(values) = spec.get("values") {
        let values = expand(values, &params)?;
        params.add("values", values);
    }
    Ok(params)
}

/// A name as Kubernetes allows it (`argo-cd/applicationset/utils`, `SanitizeName`).
fn normalized(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let name: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect();
    let name = name.to_ascii_lowercase();
    name.trim_matches(['-', '.']).chars().take(253).collect()
}
