use std::fs;
use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::cluster::Namespaces;
use crate::model::ResourceKey;

const CONFIG: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"shop"},"data":{"k":"1"}}"#;

fn read(files: &[(&str, &str)]) -> Result<Dump> {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    Dump::read(&[folder.path().to_owned()])
}

fn key(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ResourceKey {
    ResourceKey::new(
        group_of(api_version).to_owned(),
        kind.to_owned(),
        namespace.map(str::to_owned),
        name.to_owned(),
    )
}

fn wanted(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectRequest {
    ObjectRequest {
        key: key(api_version, kind, namespace, name),
        kind: Arc::new(ServedKind {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: String::new(),
            namespaced: namespace.is_some(),
            short_names: Vec::new(),
        }),
    }
}

fn fetch_one(dump: &Dump, wanted: ObjectRequest) -> ReadResult {
    let request = FetchRequest {
        wanted: vec![wanted.clone()],
        ..FetchRequest::default()
    };
    let mut fetched = dump.fetch(&request).unwrap();
    fetched.answers.remove(&wanted.key).unwrap()
}

#[track_caller]
fn found(dump: &Dump, wanted: ObjectRequest) -> Value {
    match fetch_one(dump, wanted) {
        ReadResult::Found(object) => object.value().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn config_map(name: &str) -> ObjectRequest {
    wanted("v1", "ConfigMap", Some("shop"), name)
}

fn lookup(dump: &Dump, api_version: &str, kind: &str, declared: &[&Value]) -> KindLookup {
    let kind = (api_version.to_owned(), kind.to_owned());
    let kinds = BTreeSet::from([kind.clone()]);
    dump.resolve(&kinds, declared)
        .unwrap()
        .remove(&kind)
        .unwrap()
}

#[test]
fn reads_every_form_of_recording() {
    let list = format!(r#"{{"apiVersion":"v1","kind":"List","items":[{CONFIG}]}}"#);
    let typed = r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"9"},"items":[{"metadata":{"name":"a","namespace":"shop"},"data":{"k":"1"}}]}"#;
    let array = format!("[{CONFIG}]");
    let several = format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[]}}\n{CONFIG}\n");
    for text in [
        CONFIG,
        &list,
        typed,
        &array,
        &several,
        &format!("\u{feff}{CONFIG}"),
    ] {
        let dump = read(&[("live.json", text)]).unwrap();
        let value = found(&dump, config_map("a"));
        assert_eq!(
            value,
            serde_json::from_str::<Value>(CONFIG).unwrap(),
            "{text}"
        );
    }
}

#[test]
fn reads_compressed_and_utf16_recordings() {
    let folder = TempDir::new().unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(CONFIG.as_bytes()).unwrap();
    fs::write(folder.path().join("a.json.gz"), packed.finish().unwrap()).unwrap();
    let powershell: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain(
            CONFIG
                .replace("\"a\"", "\"b\"")
                .encode_utf16()
                .flat_map(u16::to_le_bytes),
        )
        .collect();
    fs::write(folder.path().join("b.json"), powershell).unwrap();
    let dump = Dump::read(&[folder.path().to_owned()]).unwrap();
    found(&dump, config_map("a"));
    found(&dump, config_map("b"));
}

#[test]
fn an_unrecorded_object_is_absent_and_a_kind_without_objects_is_a_warning() {
    let dump = read(&[("live.json", CONFIG)]).unwrap();
    assert!(matches!(
        fetch_one(&dump, config_map("b")),
        ReadResult::Absent
    ));
    let request = FetchRequest {
        wanted: vec![config_map("b"), wanted("v1", "Secret", Some("shop"), "s")],
        ..FetchRequest::default()
    };
    let warnings = dump.fetch(&request).unwrap().warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].message.contains("no object of kind Secret,"));
}

#[test]
fn the_first_page_of_a_list_does_not_prove_absence() {
    let text =
        r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"continue":"x"},"items":[]}"#;
    let dump = read(&[("live.json", text)]).unwrap();
    assert!(matches!(
        fetch_one(&dump, config_map("a")),
        ReadResult::Unread(_)
    ));
}

#[test]
fn matches_an_object_at_any_version() {
    let v1 = r#"{"apiVersion":"x.example/v1","kind":"Promo","metadata":{"name":"p","namespace":"shop"}}"#;
    let v2 = v1.replace("/v1", "/v2");
    let dump = read(&[("live.json", &format!("{v1}{v2}"))]).unwrap();
    for version in ["x.example/v1", "x.example/v2"] {
        let value = found(&dump, wanted(version, "Promo", Some("shop"), "p"));
        assert_eq!(value["apiVersion"], version);
    }
    found(&dump, wanted("x.example/v3", "Promo", Some("shop"), "p"));
    let request = FetchRequest {
        extra_in: Namespaces::Only(BTreeSet::from(["shop".to_owned()])),
        ..FetchRequest::default()
    };
    assert_eq!(dump.fetch(&request).unwrap().extra.len(), 1);
}

#[test]
fn extra_objects_are_the_unwanted_objects_of_the_namespaces() {
    let others = [
        CONFIG.replace("\"a\"", "\"b\""),
        CONFIG.replace("\"shop\"", "\"elsewhere\""),
        r#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#.to_owned(),
    ];
    let dump = read(&[("live.json", &format!("{CONFIG}{}", others.concat()))]).unwrap();
    let request = FetchRequest {
        wanted: vec![config_map("a")],
        extra_in: Namespaces::Only(BTreeSet::from(["shop".to_owned()])),
        ..FetchRequest::default()
    };
    let extra = dump.fetch(&request).unwrap().extra;
    let names: Vec<_> = extra.iter().map(|object| object.key.to_string()).collect();
    assert_eq!(names, ["ConfigMap shop/b"]);
}

#[test]
fn different_duplicates_are_unread_and_equal_ones_are_a_warning() {
    let reordered = r#"{"data":{"k":"1"}, "apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"shop","name":"a"}}"#;
    let dump = read(&[("a.json", CONFIG), ("b.json", reordered)]).unwrap();
    found(&dump, config_map("a"));
    let warnings = dump.fetch(&FetchRequest::default()).unwrap().warnings;
    assert!(warnings[0].place.ends_with("b.json:1:1"), "{warnings:?}");

    let changed = CONFIG.replace("\"1\"", "\"2\"");
    let dump = read(&[("a.json", CONFIG), ("b.json", &changed)]).unwrap();
    let ReadResult::Unread(reason) = fetch_one(&dump, config_map("a")) else {
        panic!("two truths");
    };
    assert!(
        reason.contains("a.json:1:1") && reason.contains("b.json:1:1"),
        "{reason}"
    );
}

#[test]
fn rejects_a_file_that_is_not_a_recording_with_its_position_only() {
    let cases = [
        ("", "is empty"),
        ("{\"canary\": \n  x}", "live.json:2:3: not valid JSON"),
        ("{\"canary\": ", "the JSON ends too early"),
        ("[{}]", "live.json:1:2: not a Kubernetes object"),
        (
            r#"{"kind":"Status","canary":1}"#,
            "live.json:1:1: not a Kubernetes object",
        ),
        (
            r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","items":[{"metadata":{"name":"canary"}}]}"#,
            "does not contain whole objects",
        ),
    ];
    for (text, expected) in cases {
        let error = format!("{:#}", read(&[("live.json", text)]).err().unwrap());
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("canary"), "{error}");
    }
    let missing = Dump::read(&["/nowhere/live.json".into()]).err().unwrap();
    assert!(
        format!("{missing:#}").starts_with("/nowhere/live.json: "),
        "{missing:#}"
    );
    let empty = read(&[("README.md", "")]).err().unwrap();
    assert!(empty.to_string().contains("contains no recording"));
}

#[test]
fn deep_nesting_affects_only_its_own_object() {
    let deep = format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"deep","namespace":"shop"}},"data":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let dump = read(&[("live.json", &format!("{CONFIG}{deep}"))]).unwrap();
    found(&dump, config_map("a"));
    let ReadResult::Found(object) = fetch_one(&dump, config_map("deep")) else {
        panic!("it is there");
    };
    assert!(object.value().is_err());
}

#[test]
fn finds_scopes_in_definitions_and_objects() {
    let crd = r#"{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"promos.x.example"},"spec":{"group":"x.example","scope":"Cluster","names":{"kind":"Promo","plural":"promos","shortNames":["pro"]},"versions":[{"name":"v1","served":true},{"name":"v2","served":false}]}}"#;
    let dump = read(&[("live.json", crd)]).unwrap();
    let expected = ServedKind {
        api_version: "x.example/v1".to_owned(),
        kind: "Promo".to_owned(),
        plural: "promos".to_owned(),
        namespaced: false,
        short_names: vec!["pro".to_owned()],
    };
    assert_eq!(
        lookup(&dump, "x.example/v1", "Promo", &[]),
        KindLookup::Served(expected.clone())
    );
    assert!(matches!(
        lookup(&dump, "x.example/v2", "Promo", &[]),
        KindLookup::Served(_)
    ));
    assert!(dump.schema("x.example/v1").unwrap().is_some());
    assert!(dump.schema("apps/v1").unwrap().is_none());

    let dump = read(&[("live.json", CONFIG)]).unwrap();
    assert!(matches!(
        lookup(&dump, "x.example/v1", "Promo", &[]),
        KindLookup::Unknown(_)
    ));
    let declared: Value = serde_json::from_str(crd).unwrap();
    assert_eq!(
        lookup(&dump, "x.example/v1", "Promo", &[&declared]),
        KindLookup::Served(expected)
    );

    let object = r#"{"apiVersion":"y.example/v1","kind":"Thing","metadata":{"name":"t","namespace":"shop"}}"#;
    let dump = read(&[("live.json", object)]).unwrap();
    let KindLookup::Served(kind) = lookup(&dump, "y.example/v1beta1", "Thing", &[]) else {
        panic!("an object proves the scope");
    };
    assert!(kind.namespaced);
    assert_eq!(kind.api_version, "y.example/v1");
}

#[test]
fn returns_related_objects_of_a_namespace() {
    let dump = read(&[("live.json", CONFIG)]).unwrap();
    assert_eq!(dump.related("v1", "ConfigMap", "shop").unwrap().len(), 1);
    assert!(
        dump.related("v1", "ConfigMap", "elsewhere")
            .unwrap()
            .is_empty()
    );
}
