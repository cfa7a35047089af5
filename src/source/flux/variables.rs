//! What Flux does to objects after they were built: common metadata, and variables.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use super::Kustomization;
use super::spec::{PostBuild, Spec, SubstituteFrom};
use super::substitute::{Variables, substitute};
use crate::model::{Manifest, SecretPlace};
use crate::source::Loaded;
use crate::source::classify::{Class, TEMPLATE, classify};

impl Kustomization<'_> {
    /// Lays the metadata and the variables over what was built.
    pub(super) fn finish(&self, spec: &Spec, loaded: &mut Loaded) -> Result<(), String> {
        for (map, entries) in [
            ("labels", &spec.common_metadata.labels),
            ("annotations", &spec.common_metadata.annotations),
        ] {
            if entries.is_empty() {
                continue;
            }
            for manifest in &mut loaded.manifests {
                let mut object = manifest.value();
                for (key, value) in entries {
                    object["metadata"][map][key] = json!(value);
                }
                manifest.object = object.into();
            }
        }
        let variables = match &spec.post_build {
            Some(post_build) => self.variables(post_build, &loaded.manifests)?,
            None => Variables::default(),
        };
        // Without any, Flux replaces nothing.
        if !variables.is_empty() {
            for manifest in &mut loaded.manifests {
                let place = manifest.origin.to_string();
                let secret = substitute_in(manifest, &variables)
                    .map_err(|message| format!("{place}: {message}"))?;
                loaded.secret.extend(secret);
            }
        }
        leave_out_templates(loaded);
        if self.options.untrusted {
            loaded.distrust();
        }
        Ok(())
    }

    /// The variables: what is written here wins over what is read elsewhere.
    fn variables(
        &self,
        post_build: &PostBuild,
        manifests: &[Manifest],
    ) -> Result<Variables, String> {
        let mut variables = Variables::default();
        for from in &post_build.substitute_from {
            match self.variables_from(from, manifests) {
                Some(found) => variables.extend(found, from.kind == "Secret"),
                None if from.optional => {}
                None => {
                    let live = match self.live {
                        Some(_) => "is neither live nor declared, or cannot be read",
                        None => "is not declared, and untrusted manifests may not have it read",
                    };
                    return Err(format!(
                        "substituteFrom: {} {}/{} {live}",
                        from.kind,
                        self.found.metadata("namespace"),
                        from.name
                    ));
                }
            }
        }
        variables.extend(post_build.substitute.clone(), false);
        Ok(variables)
    }

    /// The data of a ConfigMap or Secret: of the live one, else of the one that is declared.
    fn variables_from(
        &self,
        from: &SubstituteFrom,
        manifests: &[Manifest],
    ) -> Option<BTreeMap<String, String>> {
        let namespace = self.found.metadata("namespace");
        let is_named = |object: &&Value| {
            object
                .pointer("/metadata/name")
                .is_some_and(|name| *name == from.name)
        };
        let live = self
            .live
            .and_then(|live| live.related("v1", &from.kind, namespace));
        let live = live.unwrap_or_default();
        let declared: Vec<Value> = manifests
            .iter()
            .filter(|manifest| {
                manifest.kind == from.kind
                    && manifest.namespace.as_deref().unwrap_or(namespace) == namespace
            })
            .map(Manifest::value)
            .collect();
        let object = live
            .iter()
            .find(is_named)
            .or_else(|| declared.iter().find(is_named))?;
        data_of(object, from.kind == "Secret")
    }
}

/// Names the objects in whose identity something is still to be replaced, and what turns out to be
/// no object.
fn leave_out_templates(loaded: &mut Loaded) {
    for manifest in std::mem::take(&mut loaded.manifests) {
        match classify(&manifest.value(), "") {
            Class::Template => loaded.set_aside(&manifest.origin, TEMPLATE, None),
            Class::Skip(reason) => loaded.skip(&manifest.origin, reason),
            Class::Doubtful(reason) => loaded.set_aside(&manifest.origin, reason, None),
            Class::Aside(reason) => {
                let place = manifest.origin.to_string();
                loaded.set_aside(place, reason, Some(manifest));
            }
            _ => loaded.manifests.push(manifest),
        }
    }
}

/// The data of a ConfigMap or Secret; `None` when some of it is no text.
fn data_of(object: &Value, is_secret: bool) -> Option<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    let texts = |field: &str| {
        let map = object.get(field).and_then(Value::as_object);
        map.into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
    };
    for (key, value) in texts("data") {
        let value = if is_secret {
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(value)
                .ok()?;
            String::from_utf8(bytes).ok()?
        } else {
            value
        };
        variables.insert(key, value);
    }
    variables.extend(texts("stringData"));
    Some(variables)
}

/// Replaces the variables in an object; gives the places that secret ones went to.
fn substitute_in(
    manifest: &mut Manifest,
    variables: &Variables,
) -> Result<Vec<SecretPlace>, String> {
    let (object, secret) = substitute(&manifest.value(), variables)?;
    let text = |pointer: &str| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
    manifest.name = name.ok_or("its name is no text")?;
    manifest.namespace = namespace;
    manifest.kind = text("/kind").ok_or("its kind is no text")?;
    manifest.api_version = text("/apiVersion").ok_or("its apiVersion is no text")?;
    manifest.object = object.into();
    let place = |path| SecretPlace {
        kind: manifest.kind.clone(),
        name: manifest.name.clone(),
        path,
    };
    Ok(secret.into_iter().map(place).collect())
}
