//! Decrypts objects with the user's program, in memory only.

use std::ffi::OsString;
use std::path::Path;

use serde_json::Value;

use super::{ID, METADATA};
use crate::model::{Manifest, SecretPlace};
use crate::policy::literally;
use crate::source::LoadedSource;
use crate::source::render::{RendererProgram, RendererRun, Rendering, Sandbox, Secrets};

/// An encrypted object, as written.
#[derive(Debug, Clone)]
pub struct Encrypted {
    /// The object with its SOPS metadata.
    pub(super) object: Value,
    /// The places of the unknown values.
    pub(super) places: Vec<Vec<String>>,
}

impl LoadedSource {
    /// Decrypts the encrypted objects, if the user names a program for it. An object that cannot be
    /// decrypted is an error, and its values stay unknown.
    pub(in crate::source) fn decrypt(&mut self, rendering: Option<&Rendering>) {
        let encrypted = std::mem::take(&mut self.encrypted);
        let Some((rendering, program)) = rendering.and_then(|r| Some((r, r.decrypt.as_deref()?)))
        else {
            return;
        };
        for one in encrypted {
            let text = |pointer: &str| one.object.pointer(pointer).and_then(Value::as_str);
            let is_it = |manifest: &Manifest| {
                Some(&*manifest.kind) == text("/kind")
                    && Some(&*manifest.name) == text("/metadata/name")
                    && manifest.namespace.as_deref() == text("/metadata/namespace")
            };
            let Some(at) = self.manifests.iter().position(is_it) else {
                continue;
            };
            match decrypted(&one.object, program, rendering) {
                Ok(object) => self.put(at, object, one.places),
                Err(why) => {
                    let manifest = &self.manifests[at];
                    let message = format!(
                        "{} {} cannot be decrypted: {why}",
                        manifest.kind, manifest.name
                    );
                    let place = manifest.origin.to_string();
                    self.error(place, message);
                }
            }
        }
    }

    /// Replaces an encrypted object by the decrypted one, and masks its values.
    fn put(&mut self, at: usize, object: Value, places: Vec<Vec<String>>) {
        let manifest = &mut self.manifests[at];
        manifest.object = object.into();
        let (kind, name) = (literally(&manifest.kind), literally(&manifest.name));
        self.unknown
            .retain(|rule| rule.id != ID || rule.objects.kind != kind || rule.objects.name != name);
        let (kind, name) = (&manifest.kind, &manifest.name);
        let place = |path: Vec<String>| {
            // Items may have different indexes on the two sides.
            let part = |part: String| (part.parse::<usize>().is_err()).then_some(part);
            SecretPlace {
                kind: kind.clone(),
                name: name.clone(),
                path: path.into_iter().map(part).collect(),
            }
        };
        self.secret.extend(places.into_iter().map(place));
    }
}

/// Returns the decrypted object.
fn decrypted(object: &Value, program: &Path, rendering: &Rendering) -> Result<Value, String> {
    let found = RendererProgram::find(Some(program), &[], "")?;
    // The fields are in another order, as with Flux, so the checksum does not match.
    let words = [
        "--decrypt",
        "--ignore-mac",
        "--input-type",
        "json",
        "--output-type",
        "json",
        "/dev/stdin",
    ];
    let job = RendererRun {
        name: &found.name,
        program: &found.file,
        arguments: words.map(OsString::from).to_vec(),
        workspace: Path::new("."),
        network: true,
        deadline: rendering.deadline,
        sandbox: Sandbox::Off,
        secrets: &Secrets::default,
    };
    let printed = job.run_as_user(object.to_string().into_bytes())?;
    // The parser's error quotes values.
    let mut object: Value = serde_json::from_slice(&printed.output).map_err(|_| {
        format!(
            "{} printed something other than the object as JSON",
            found.name
        )
    })?;
    if let Value::Object(fields) = &mut object {
        fields.remove(METADATA);
    }
    let has_name = object
        .pointer("/metadata/name")
        .is_some_and(Value::is_string);
    match has_name {
        true => Ok(object),
        false => Err(format!("{} printed no object", found.name)),
    }
}
