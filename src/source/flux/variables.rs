//! Applies Flux's changes to built objects: common metadata, and variables.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use super::FluxKustomization;
use super::spec::{KustomizationSpec, PostBuild, SubstituteFrom};
use super::substitute::{Variables, substitute};
use crate::model::{Manifest, SecretPlace};
use crate::source::LoadedSource;
use crate::source::classify::{DocumentClass, TEMPLATE, classify};
use crate::source::config_values::Values;
use crate::source::sops::is_encrypted;
use crate::source::unknown::unknown_values;

impl FluxKustomization<'_> {
    /// Applies the metadata and the variables to built objects.
    ///
    /// # Errors
    /// Fails if a variable is unknown. The fields that use it are marked then, so that they do not
    /// count as drift.
    pub(super) fn finish(
        &self,
        spec: &KustomizationSpec,
        values: &Values<'_>,
        loaded: &mut LoadedSource,
    ) -> Result<(), String> {
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
        let mut variables = Variables::default();
        let mut missing = Vec::new();
        if let Some(post_build) = &spec.post_build {
            missing = self.variables(post_build, values, &loaded.manifests, &mut variables);
        }
        variables.is_incomplete = !missing.is_empty();
        // Without any variables, Flux substitutes nothing.
        if !variables.is_empty() || variables.is_incomplete {
            for manifest in &mut loaded.manifests {
                let place = manifest.origin.to_string();
                let found = substitute_in(manifest, &variables)
                    .map_err(|message| format!("{place}: {message}"))?;
                loaded.secret.extend(found.secret);
                if !found.unknown.is_empty() {
                    let why = "A variable in it could not be read.";
                    let rule = unknown_values("unknown-variable", why, manifest, &found.unknown);
                    loaded.unknown.extend(rule);
                }
            }
        }
        leave_out_templates(loaded);
        if self.options.untrusted {
            loaded.distrust();
        }
        match missing.is_empty() {
            true => Ok(()),
            false => Err(format!("substituteFrom: {}", missing.join("; "))),
        }
    }

    /// Collects the variables: inline ones override those from ConfigMaps and Secrets. Returns
    /// errors about those that cannot be read.
    fn variables(
        &self,
        post_build: &PostBuild,
        values: &Values<'_>,
        manifests: &[Manifest],
        variables: &mut Variables,
    ) -> Vec<String> {
        let mut missing = Vec::new();
        for from in &post_build.substitute_from {
            match self.variables_from(from, values, manifests) {
                Ok(Some(found)) => variables.extend(found, from.kind == "Secret"),
                Ok(None) => {}
                Err(message) => missing.push(message),
            }
        }
        variables.extend(post_build.substitute.clone(), false);
        missing
    }

    /// Returns the data of a ConfigMap or Secret: of the declared one, or else of the live one.
    /// Returns `None` for an optional one that does not exist.
    fn variables_from(
        &self,
        from: &SubstituteFrom,
        values: &Values<'_>,
        manifests: &[Manifest],
    ) -> Result<Option<BTreeMap<String, String>>, String> {
        let namespace = self.found.metadata("namespace");
        let is_meant = |manifest: &&Manifest| {
            manifest.kind == from.kind
                && manifest.name == from.name
                && manifest.namespace.as_deref().unwrap_or(namespace) == namespace
        };
        let own = || manifests.iter().find(is_meant).map(Manifest::value);
        let declared = values.declared(&from.kind, namespace, &from.name);
        let declared = declared.or_else(own);
        let encrypted = declared.as_ref().is_some_and(is_encrypted);
        let declared = declared.filter(|_| !encrypted);
        let live = || values.live(&from.kind, namespace, &from.name);
        let object = declared.or_else(live);
        let data = object.and_then(|object| data_of(&object, from.kind == "Secret"));
        if data.is_some() || from.optional {
            return Ok(data);
        }
        let why = match (encrypted, values.live) {
            (true, _) => "is encrypted by SOPS and is not live or cannot be read",
            (false, Some(_)) => "is neither live nor declared, or cannot be read",
            (false, None) => {
                "is not declared, and untrusted manifests may not read it from the \
                cluster"
            }
        };
        let name = match namespace {
            "" => from.name.clone(),
            namespace => format!("{namespace}/{}", from.name),
        };
        Err(format!("{} {name} {why}", from.kind))
    }
}

/// Reports the objects with unsubstituted variables in their identity, and documents that turn out
/// not to be objects.
fn leave_out_templates(loaded: &mut LoadedSource) {
    for manifest in std::mem::take(&mut loaded.manifests) {
        match classify(&manifest.value(), "") {
            DocumentClass::Template => loaded.set_aside(&manifest.origin, TEMPLATE, None),
            DocumentClass::Skip(reason) => loaded.skip(&manifest.origin, reason),
            DocumentClass::Doubtful(reason) => loaded.set_aside(&manifest.origin, reason, None),
            DocumentClass::Aside(reason) => {
                let place = manifest.origin.to_string();
                loaded.set_aside(place, reason, Some(manifest));
            }
            _ => loaded.manifests.push(manifest),
        }
    }
}

/// Returns the data of a ConfigMap or Secret; `None` if some of it is not text.
pub(in crate::source) fn data_of(
    object: &Value,
    is_secret: bool,
) -> Option<BTreeMap<String, String>> {
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

/// The places of secret and of unknown variables in an object.
struct VariablePlaces {
    secret: Vec<SecretPlace>,
    unknown: Vec<Vec<String>>,
}

/// Substitutes the variables in an object.
fn substitute_in(manifest: &mut Manifest, variables: &Variables) -> Result<VariablePlaces, String> {
    let done = substitute(&manifest.value(), variables)?;
    let object = done.object;
    let text = |pointer: &str| {
        let text = object.pointer(pointer).and_then(Value::as_str);
        text.map(str::to_owned)
    };
    let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
    manifest.name = name.ok_or("its name is not a string")?;
    manifest.namespace = namespace;
    manifest.kind = text("/kind").ok_or("its kind is not a string")?;
    manifest.api_version = text("/apiVersion").ok_or("its apiVersion is not a string")?;
    manifest.object = object.into();
    let place = |path| SecretPlace {
        kind: manifest.kind.clone(),
        name: manifest.name.clone(),
        path,
    };
    Ok(VariablePlaces {
        secret: done.secret.into_iter().map(place).collect(),
        unknown: done.unknown,
    })
}
