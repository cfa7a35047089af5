//! Decodes Helm's release records: JSON, compressed, in base64, in a Secret of its own
//! (`helm/pkg/storage/driver/util.go`, `encodeRelease`). In a Secret that is base64 once more.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::redact::MASK;

/// The size limit of an unpacked record. The API server stores 1.5 MiB of it packed, and text packs
/// to a tenth; a thousandth is possible, but not for a release.
const MAX_BYTES: u64 = 64 << 20;

/// A revision of a release.
#[derive(Debug, Deserialize)]
pub(super) struct ReleaseRecord {
    /// The release's name.
    pub name: String,
    /// The namespace of its objects that name none.
    #[serde(default)]
    pub namespace: String,
    /// The revision, counted from 1.
    #[serde(default)]
    pub version: u64,
    /// What Helm sent to the cluster, without hooks.
    #[serde(default)]
    pub manifest: String,
    /// The values that the release was given, without the defaults of its chart.
    #[serde(default, deserialize_with = "limited")]
    pub config: Value,
    #[serde(default, deserialize_with = "limited")]
    hooks: Value,
    #[serde(default)]
    chart: RecordedChart,
    #[serde(default)]
    info: ReleaseInfo,
}

#[derive(Debug, Default, Deserialize)]
struct RecordedChart {
    #[serde(default)]
    metadata: ChartMetadata,
}

#[derive(Debug, Default, Deserialize)]
struct ChartMetadata {
    #[serde(default)]
    version: String,
}

#[derive(Debug, Default, Deserialize)]
struct ReleaseInfo {
    #[serde(default)]
    status: String,
}

impl ReleaseRecord {
    /// Returns the record in a Secret or a ConfigMap.
    ///
    /// # Errors
    /// Fails with a message for the user that does not quote the record, which may contain secrets.
    pub fn of(object: &Value) -> Result<Self, String> {
        let field = object.pointer("/data/release").and_then(Value::as_str);
        let field = field.ok_or("it has no field `release`")?;
        if field == MASK {
            return Err("it is masked: make the recording without --redact".to_owned());
        }
        let mut bytes = field.as_bytes().to_vec();
        if object.get("kind").is_some_and(|kind| kind == "Secret") {
            bytes = decoded(&bytes)?;
        }
        let bytes = decoded(&bytes)?;
        // Helm 2 wrote without compression, and so may a plugin (`decodeRelease`).
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            unpacked(&bytes)?
        } else {
            bytes
        };
        serde_json::from_slice(&bytes)
            .map_err(|_| "it is not a release of Helm 3 or 4 (`helm.sh/release.v1`)".to_owned())
    }

    /// Returns whether the record in an object is masked.
    pub fn is_masked(object: &Value) -> bool {
        object.pointer("/data/release").and_then(Value::as_str) == Some(MASK)
    }

    /// Returns the kind and the name of each hook.
    pub fn hooks(&self) -> impl Iterator<Item = (String, String)> {
        let hooks = self.hooks.as_array().into_iter().flatten();
        hooks.filter_map(|hook| {
            let text = |field: &str| hook.get(field)?.as_str().map(str::to_owned);
            Some((text("kind")?, text("name")?))
        })
    }

    /// Returns the version of its chart.
    pub fn chart_version(&self) -> &str {
        &self.chart.metadata.version
    }

    /// Returns the status: `deployed`, `failed`, `pending-upgrade`, …
    pub fn status(&self) -> &str {
        &self.info.status
    }
}

/// The size limit of the values and the hooks in a record. A tree of tiny values takes many times the
/// memory of its text.
const MAX_TREE: usize = 4 << 20;

fn limited<'de, D: Deserializer<'de>>(field: D) -> Result<Value, D::Error> {
    let text: &RawValue = Deserialize::deserialize(field)?;
    if text.get().len() > MAX_TREE {
        return Err(D::Error::custom("too large"));
    }
    serde_json::from_str(text.get()).map_err(D::Error::custom)
}

fn decoded(text: &[u8]) -> Result<Vec<u8>, String> {
    STANDARD
        .decode(text.trim_ascii())
        .map_err(|_| "it is not valid base64".to_owned())
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes)
        .take(MAX_BYTES + 1)
        .read_to_end(&mut unpacked)
        .map_err(|_| "it is not valid gzip".to_owned())?;
    if unpacked.len() as u64 > MAX_BYTES {
        return Err(format!(
            "it unpacks to more than {} MiB, which is too large for a release",
            MAX_BYTES >> 20
        ));
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;

    use super::*;

    fn packed(bytes: &[u8]) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    fn config_map(release: &str) -> Value {
        json!({"kind": "ConfigMap", "data": {"release": release}})
    }

    #[test]
    fn a_record_whose_values_take_much_memory_is_an_error() {
        let values = format!("[{}0]", "0,".repeat(3 << 20));
        let text = format!("{{\"name\":\"cart\",\"config\":{{\"a\":{values}}}}}");
        assert!(ReleaseRecord::of(&config_map(&packed(text.as_bytes()))).is_err());
    }

    #[test]
    fn reads_records_from_secrets_and_config_maps() {
        let text = json!({
            "name": "cart", "namespace": "shop", "version": 3,
            "info": {"status": "deployed"}, "manifest": "---\n",
            "hooks": [{"path": "x"}, {"kind": "Role", "name": "a"}],
        });
        let packed = packed(text.to_string().as_bytes());
        let secret = json!({"kind": "Secret", "data": {"release": STANDARD.encode(&packed)}});
        for object in [config_map(&packed), secret] {
            let record = ReleaseRecord::of(&object).unwrap();
            assert_eq!((record.name.as_str(), record.version), ("cart", 3));
            assert_eq!(record.status(), "deployed");
            let hook = ("Role".to_owned(), "a".to_owned());
            assert!(record.hooks().eq([hook]));
        }
    }

    #[test]
    fn compression_bombs_and_damage_are_errors_without_content() {
        let bomb = packed(&vec![b' '; MAX_BYTES as usize + 1]);
        for (release, why) in [
            (bomb.as_str(), "more than 64 MiB"),
            ("hunter2!", "base64"),
            ("H4sIaaaa", "gzip"),
            (&STANDARD.encode("hunter2"), "not a release"),
        ] {
            let error = ReleaseRecord::of(&config_map(release)).unwrap_err();
            assert!(error.contains(why) && !error.contains("hunter2"), "{error}");
        }
        assert!(ReleaseRecord::of(&json!({"kind": "Secret"})).is_err());
    }
}
