//! Expands ApplicationSets to Applications.

use std::path::Path;

use serde_json::{Map, Value, json};
use walkdir::WalkDir;

use super::glob::{file_glob, path_glob};
use super::go_template;
use super::template::{Params, expand, expand_known};
use crate::source::argo_clusters::Clusters;
use crate::source::chart::{lay_over, values_of_text};
use crate::source::checkout::{Checkout, Checkouts};
use crate::source::gitops::{RemoteRevision, RevisionRequest};
use crate::source::read;
use crate::yaml;

/// The generators that query another service.
const ASKING: [&str; 4] = [
    "pullRequest",
    "scmProvider",
    "clusterDecisionResource",
    "plugin",
];

/// Returns the generator of a set that queries another service, so that its Applications are
/// unknown here.
pub fn asking(set: &Value) -> Option<&'static str> {
    fn among(generators: Option<&Value>, depth: usize) -> Option<&'static str> {
        entries(generators)
            .filter(|_| depth <= DEEPEST)
            .find_map(|generator| {
                let own = ASKING.iter().find(|kind| generator.get(**kind).is_some());
                let within = || {
                    let nested = ["matrix", "merge"].iter();
                    let mut nested =
                        nested.filter_map(|kind| generator.get(*kind)?.get("generators"));
                    nested.find_map(|generators| among(Some(generators), depth + 1))
                };
                own.copied().or_else(within)
            })
    }
    among(set.pointer("/spec/generators"), 0)
}

/// The parameters of one Application.
type GeneratorParameters = Map<String, Value>;

/// The limit on Applications of one set.
const MOST: usize = 10_000;

/// The depth limit of generators; Argo CD allows two levels.
const DEEPEST: usize = 4;

/// Returns the Applications of a set, each as an object.
///
/// # Errors
/// Fails if one of its generators queries another service, or its templates cannot be evaluated:
/// those that do more than look up parameters need helm.
pub fn applications(
    set: &Value,
    checkouts: &Checkouts<'_>,
    clusters: Option<&Clusters>,
) -> Result<Vec<Value>, String> {
    let spec = set.get("spec").unwrap_or(&Value::Null);
    let is_go = spec.get("goTemplate").is_some_and(|go| go == true);
    let template = spec.get("template").ok_or("it has no template")?;
    let generating = Generating {
        checkouts,
        clusters,
        is_go,
    };
    let mut parameters = Vec::new();
    for generator in entries(spec.get("generators")) {
        let all = generating.all(generator, 0)?;
        parameters.extend(all.into_iter().map(Value::Object));
    }
    let part = |name: &str| template.get(name).unwrap_or(&Value::Null);
    let patch = spec.get("templatePatch").filter(|patch| patch.is_string());
    let templates = [
        part("metadata"),
        part("spec"),
        patch.unwrap_or(&Value::Null),
    ];
    let rendering = checkouts.options().rendering.as_ref();
    let expanded = looked_up_all(&templates, &parameters, is_go).or_else(|message| {
        let rendering = rendering.filter(|_| is_go).ok_or(message)?;
        go_template::expand_all(&templates, &parameters, rendering)
    })?;
    let applications = expanded.into_iter().map(|parts| {
        let mut parts = parts.into_iter();
        let mut next = || parts.next().unwrap_or_default();
        let (metadata, spec, patch) = (next(), next(), next());
        let mut application = json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": metadata,
            "spec": spec,
        });
        if let Some(patch) = patch.as_str() {
            let patch = values_of_text(patch);
            let patch = patch.map_err(|_| "its templatePatch does not become YAML".to_owned())?;
            lay_over(&mut application, patch);
        }
        if let Some(namespace) = set.pointer("/metadata/namespace") {
            application["metadata"]["namespace"] = namespace.clone();
        }
        Ok(application)
    });
    applications.collect()
}

/// Returns the values with their parameters filled in, once for each set of parameters.
fn looked_up_all(
    templates: &[&Value],
    parameters: &[Value],
    is_go: bool,
) -> Result<Vec<Vec<Value>>, String> {
    let all = parameters.iter().map(|parameters| {
        let parameters = Params::new(parameters.clone(), is_go);
        let templates = templates.iter();
        templates
            .map(|template| expand(template, &parameters))
            .collect()
    });
    all.collect()
}

fn entries(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}

/// The inputs of generators.
struct Generating<'g> {
    checkouts: &'g Checkouts<'g>,
    clusters: Option<&'g Clusters>,
    is_go: bool,
}

impl Generating<'_> {
    /// Returns the parameters from a generator, one set for each Application.
    fn all(&self, generator: &Value, depth: usize) -> Result<Vec<GeneratorParameters>, String> {
        if depth > DEEPEST {
            return Err("its generators are nested too deeply".to_owned());
        }
        let generator = generator
            .as_object()
            .ok_or("a generator is not a mapping")?;
        let mut found = Vec::new();
        for (kind, spec) in generator.iter().filter(|(kind, _)| *kind != "selector") {
            if spec.get("template").is_some_and(|t| *t != json!({})) {
                return Err(format!(
                    "the {kind} generator has a template of its own, which is not read"
                ));
            }
            found.extend(match kind.as_str() {
                "list" => list(spec)?,
                "git" => self.git(spec)?,
                "clusters" => self.clusters(spec)?,
                "matrix" => self.matrix(spec, depth)?,
                "merge" => self.merge(spec, depth)?,
                asking if ASKING.contains(&asking) => {
                    return Err(format!(
                        "its {kind} generator queries another service and is not expanded here: \
                         the Applications that it made are compared if the live side has them"
                    ));
                }
                _ => {
                    return Err(format!(
                        "its {kind} generator cannot be expanded here (only list, git, clusters, \
                         matrix and merge can): name an Application that it made (argocd:NAME)"
                    ));
                }
            });
            if found.len() > MOST {
                return Err(format!("it expands to more than {MOST} Applications"));
            }
        }
        if let Some(selector) = generator.get("selector") {
            found.retain(|fields| is_selected(selector, |label| looked_up(fields, label)));
        }
        Ok(found)
    }

    fn git(&self, spec: &Value) -> Result<Vec<GeneratorParameters>, String> {
        self.checkouts
            .claim(&target(spec).address, "")
            .map_err(|message| format!("its git generator: {message}"))?;
        let checkout = self.checkouts.of(Some(&target(spec)))?;
        let mut found = Vec::new();
        if spec.get("files").is_some() {
            for file in matching(spec, "files", &checkout, false)? {
                found.extend(self.of_file(&file, spec, &checkout)?);
            }
        } else {
            for directory in matching(spec, "directories", &checkout, true)? {
                found.push(self.with_values(of_path(&directory, spec, self.is_go), spec)?);
            }
        }
        Ok(found)
    }

    /// Returns the parameters of a file: its content, and its path.
    fn of_file(
        &self,
        file: &str,
        spec: &Value,
        checkout: &Checkout,
    ) -> Result<Vec<GeneratorParameters>, String> {
        let path = checkout.path(file)?;
        let bytes = read::file(&path).map_err(|why| format!("{file}: {why}"))?;
        if bytes.len() > self.checkouts.options().bounds().bytes {
            return Err(format!("{file} is too large"));
        }
        let text = yaml::decode(bytes).map_err(|_| format!("{file} is not UTF-8 text"))?;
        let parsed = yaml::parse(&text);
        if parsed.problems.iter().any(|problem| problem.fatal) {
            return Err(format!("{file} is not YAML"));
        }
        let document = parsed.documents.into_iter().next();
        let all = match document.map(|document| document.value) {
            Some(Value::Array(all)) => all,
            Some(one) => vec![one],
            None => Vec::new(),
        };
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        let mut found = Vec::new();
        for one in all {
            let Value::Object(written) = one else {
                return Err(format!("{file} does not contain settings"));
            };
            let mut fields = match self.is_go {
                true => written,
                false => flat(&written),
            };
            merge(&mut fields, of_path(folder, spec, self.is_go));
            merge(&mut fields, of_name(name, spec, self.is_go));
            found.push(self.with_values(fields, spec)?);
        }
        Ok(found)
    }

    /// Returns the generator's own `values`, which may use the parameters.
    fn with_values(
        &self,
        mut fields: GeneratorParameters,
        spec: &Value,
    ) -> Result<GeneratorParameters, String> {
        if let Some(values) = spec.get("values") {
            let params = Params::new(Value::Object(fields.clone()), self.is_go);
            let values = expand(values, &params)?;
            fields.insert("values".to_owned(), values);
        }
        Ok(fields)
    }

    fn clusters(&self, spec: &Value) -> Result<Vec<GeneratorParameters>, String> {
        let clusters = self.clusters.ok_or(
            "its clusters generator needs the clusters that Argo CD knows, which are unknown \
             here: compare with the cluster that Argo CD runs in, or list them in a file \
             (--clusters FILE)",
        )?;
        let selector = spec
            .get("selector")
            .filter(|selector| **selector != json!({}));
        let mut found = Vec::new();
        for cluster in &clusters.0 {
            let label = |name: &str| Some(cluster.labels.get(name)?.as_str()?.to_owned());
            if !selector.is_none_or(|selector| is_selected(selector, label)) {
                continue;
            }
            let name = &cluster.name;
            let fields = json!({
                "name": name,
                "nameNormalized": normalized(name),
                "server": cluster.server,
                "project": cluster.project,
                "metadata": {"labels": cluster.labels, "annotations": cluster.annotations},
            });
            let Value::Object(mut fields) = fields else {
                continue;
            };
            if !self.is_go {
                fields = flat(&fields);
            }
            found.push(self.with_values(fields, spec)?);
        }
        Ok(found)
    }

    /// Returns every pair of what two generators return; the second may use the first's.
    fn matrix(&self, spec: &Value, depth: usize) -> Result<Vec<GeneratorParameters>, String> {
        let generators: Vec<&Value> = entries(spec.get("generators")).collect();
        let [first, second] = generators.as_slice() else {
            return Err("its matrix generator must have two generators".to_owned());
        };
        let mut found = Vec::new();
        for outer in self.all(first, depth + 1)? {
            let params = Params::new(Value::Object(outer.clone()), self.is_go);
            let second = expand_known(second, &params);
            for inner in self.all(&second, depth + 1)? {
                let mut both = outer.clone();
                merge(&mut both, inner);
                found.push(both);
                if found.len() > MOST {
                    return Err(format!("it expands to more than {MOST} Applications"));
                }
            }
        }
        Ok(found)
    }

    /// Returns what the first generator returns, merged with what the others return for the same
    /// keys.
    fn merge(&self, spec: &Value, depth: usize) -> Result<Vec<GeneratorParameters>, String> {
        let keys: Vec<&str> = entries(spec.get("mergeKeys"))
            .filter_map(Value::as_str)
            .collect();
        let mut generators = entries(spec.get("generators"));
        let first = generators.next().filter(|_| !keys.is_empty());
        let first = first.ok_or("its merge generator has no mergeKeys, or no generators")?;
        let mut base = self.all(first, depth + 1)?;
        let key = |fields: &GeneratorParameters| -> Vec<Option<String>> {
            keys.iter().map(|key| looked_up(fields, key)).collect()
        };
        for generator in generators {
            for over in self.all(generator, depth + 1)? {
                let of_over = key(&over);
                let same = base.iter_mut().filter(|fields| key(fields) == of_over);
                same.for_each(|fields| merge(fields, over.clone()));
            }
        }
        Ok(base)
    }
}

fn list(spec: &Value) -> Result<Vec<GeneratorParameters>, String> {
    if spec.get("elementsYaml").is_some() {
        return Err("the elementsYaml of its list generator is not read here".to_owned());
    }
    let elements = entries(spec.get("elements"));
    let fields = elements.map(|element| element.as_object().cloned());
    let fields: Option<Vec<GeneratorParameters>> = fields.collect();
    fields.ok_or_else(|| "an element of its list generator is not a mapping".to_owned())
}

/// Merges fields into others, recursively.
fn merge(fields: &mut GeneratorParameters, over: GeneratorParameters) {
    for (name, value) in over {
        match (fields.get_mut(&name), value) {
            (Some(Value::Object(below)), Value::Object(value)) => merge(below, value),
            (_, value) => {
                fields.insert(name, value);
            }
        }
    }
}

/// Returns nested fields by their full names: `metadata.labels.env`.
fn flat(fields: &GeneratorParameters) -> GeneratorParameters {
    let mut found = GeneratorParameters::new();
    for (name, value) in fields {
        match value {
            Value::Object(below) => {
                for (rest, value) in flat(below) {
                    found.insert(format!("{name}.{rest}"), value);
                }
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(at, item)| (at.to_string(), item.clone()));
                for (rest, value) in flat(&items.collect()) {
                    found.insert(format!("{name}.{rest}"), value);
                }
            }
            other => {
                found.insert(name.clone(), other.clone());
            }
        }
    }
    found
}

/// Returns the text of a parameter, by its full name.
fn looked_up(fields: &GeneratorParameters, name: &str) -> Option<String> {
    let nested = || {
        let mut parts = name.split('.');
        let first = fields.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    };
    match fields.get(name).or_else(nested)? {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    }
}

/// Returns whether a label selector matches these labels.
fn is_selected(selector: &Value, label: impl Fn(&str) -> Option<String>) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut labels = labels.into_iter().flatten();
    let has_labels = labels.all(|(name, value)| label(name).as_deref() == value.as_str());
    let mut expressions = entries(selector.get("matchExpressions"));
    let holds = |expression: &Value| {
        let text = |field: &str| expression.get(field).and_then(Value::as_str);
        let value = label(text("key").unwrap_or_default());
        let mut values = entries(expression.get("values"));
        let is_in = values.any(|one| one.as_str().is_some() && one.as_str() == value.as_deref());
        match text("operator") {
            Some("In") => is_in,
            Some("NotIn") => !is_in,
            Some("Exists") => value.is_some(),
            Some("DoesNotExist") => value.is_none(),
            _ => false,
        }
    };
    has_labels && expressions.all(holds)
}

/// Returns the revision of a git generator.
fn target(spec: &Value) -> RevisionRequest {
    let text = |field: &str| {
        let text = spec.get(field).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    RevisionRequest {
        address: text("repoURL"),
        revision: RemoteRevision::Any(text("revision")),
    }
}

/// Returns the directories or files that a git generator finds, sorted.
fn matching(
    spec: &Value,
    field: &str,
    checkout: &Checkout,
    directories: bool,
) -> Result<Vec<String>, String> {
    let (mut include, mut exclude) = (Vec::new(), Vec::new());
    for entry in entries(spec.get(field)) {
        let path = entry.get("path").and_then(Value::as_str).unwrap_or("");
        let glob = match directories {
            true => path_glob(path)?,
            false => file_glob(path)?,
        };
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
        .filter_entry(|entry| !entry.file_type().is_dir() || !is_hidden(entry.file_name()));
    let wanted = all.flatten().filter(|entry| match directories {
        true => entry.file_type().is_dir(),
        false => entry.file_type().is_file(),
    });
    let below = wanted.filter_map(|entry| {
        let below = entry.path().strip_prefix(&checkout.root).ok()?;
        below.to_str().map(|below| below.replace('\\', "/"))
    });
    let matches = |path: &String| {
        include.iter().any(|glob| glob.is_match(path))
            && !exclude.iter().any(|glob| glob.is_match(path))
    };
    Ok(below.filter(matches).collect())
}

/// Returns the parameter names for a path.
fn prefixed(spec: &Value, is_go: bool) -> String {
    let prefix = spec.get("pathParamPrefix").and_then(Value::as_str);
    match (prefix.filter(|prefix| !prefix.is_empty()), is_go) {
        (Some(prefix), false) => format!("{prefix}.path"),
        _ => "path".to_owned(),
    }
}

/// Adds the parameters of a path under their prefix.
fn below_prefix(all: GeneratorParameters, spec: &Value) -> GeneratorParameters {
    let prefix = spec.get("pathParamPrefix").and_then(Value::as_str);
    match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => GeneratorParameters::from_iter([(prefix.to_owned(), Value::Object(all))]),
        None => all,
    }
}

/// Returns the parameters of a directory.
fn of_path(path: &str, spec: &Value, is_go: bool) -> GeneratorParameters {
    let base = Path::new(path).file_name().and_then(|name| name.to_str());
    let base = base.unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    if is_go {
        let all = json!({
            "path": path,
            "basename": base,
            "basenameNormalized": normalized(base),
            "segments": segments,
        });
        return below_prefix(
            GeneratorParameters::from_iter([("path".to_owned(), all)]),
            spec,
        );
    }
    let name = prefixed(spec, is_go);
    let mut flat = GeneratorParameters::new();
    flat.insert(name.clone(), json!(path));
    flat.insert(format!("{name}.basename"), json!(base));
    flat.insert(
        format!("{name}.basenameNormalized"),
        json!(normalized(base)),
    );
    for (at, segment) in segments.iter().enumerate() {
        flat.insert(format!("{name}[{at}]"), json!(segment));
    }
    flat
}

/// Returns the parameters of a file's name.
fn of_name(file: &str, spec: &Value, is_go: bool) -> GeneratorParameters {
    if is_go {
        let all = json!({"filename": file, "filenameNormalized": normalized(file)});
        return below_prefix(
            GeneratorParameters::from_iter([("path".to_owned(), all)]),
            spec,
        );
    }
    let name = prefixed(spec, is_go);
    GeneratorParameters::from_iter([
        (format!("{name}.filename"), json!(file)),
        (
            format!("{name}.filenameNormalized"),
            json!(normalized(file)),
        ),
    ])
}

/// Returns a name in the form that Kubernetes allows (`argo-cd/applicationset/utils`,
/// `SanitizeName`).
fn normalized(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let name: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .collect();
    let name = name.to_ascii_lowercase();
    // It is cut before it is trimmed.
    let name = name.get(..253).unwrap_or(&name);
    name.trim_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_before_they_are_trimmed() {
        assert_eq!(normalized("-Feature/Cart_v2."), "feature-cart-v2");
        let long = "a".repeat(252) + "-b";
        assert_eq!(normalized(&long), "a".repeat(252));
    }
}
