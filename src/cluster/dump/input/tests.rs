//! Tests of recordings in YAML, as `kubectl get -o yaml` writes them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::*;

/// A List as kubectl writes it: sorted keys, `kind` after the items.
const LIST: &str = "\
apiVersion: v1
items:
- apiVersion: v1
  data:
    k: \"1\"
  kind: ConfigMap
  metadata:
    name: a
    namespace: shop
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: cart
    namespace: shop
  spec:
    replicas: 3
kind: List
metadata:
  resourceVersion: \"\"
";

const OBJECT: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

/// Returns the documents of a recording.
fn documents(bytes: &[u8]) -> Result<Vec<Value>> {
    let input = input("live.yaml".to_owned(), bytes.to_vec())?;
    let parsed = serde_json::Deserializer::from_str(&input.text).into_iter();
    Ok(parsed.collect::<Result<_, _>>()?)
}

#[track_caller]
fn refused(text: &str) -> String {
    documents(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn reads_one_object_and_a_list() {
    let [object] = &*documents(OBJECT.as_bytes()).unwrap() else {
        panic!("one document");
    };
    assert_eq!(object["metadata"]["name"], "shop");
    let [list] = &*documents(LIST.as_bytes()).unwrap() else {
        panic!("one document");
    };
    assert_eq!(list["items"][0]["data"], json!({"k": "1"}));
    assert_eq!(list["items"][1]["spec"]["replicas"], 3);
}

#[test]
fn reads_documents_with_any_separator() {
    let both = [OBJECT, LIST];
    for text in [
        both.join("---\n"),
        format!("---\n{}", both.join("---\n")),
        both.join("--- # the next\n"),
        format!("{}---\n", both.join("---\n---\n")),
        format!("# recorded today\n{}", both.join("...\n---\n")),
        both.join("---\n").replace('\n', "\r\n"),
        format!("\u{feff}{}", both.join("---\n")),
    ] {
        let read = documents(text.as_bytes()).unwrap();
        assert_eq!(read.len(), 2, "{text:?}");
        assert_eq!(read[1]["items"].as_array().map(Vec::len), Some(2));
    }
    let lists = [LIST, LIST, LIST].join("---\n");
    assert_eq!(documents(lists.as_bytes()).unwrap().len(), 3);
}

#[test]
fn reads_a_compressed_recording() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(LIST.as_bytes()).unwrap();
    assert_eq!(documents(&encoder.finish().unwrap()).unwrap().len(), 1);
}

#[test]
fn reads_json_documents_between_lines_of_dashes() {
    let text = "{\"kind\": \"Namespace\"}\n---\n{\"kind\": \"ConfigMap\"}\n";
    assert_eq!(documents(text.as_bytes()).unwrap()[1]["kind"], "ConfigMap");
}

/// Cuts a List at every position within its items. The result must be an error, never a shorter
/// List.
#[test]
fn a_list_that_is_cut_short_is_an_error() {
    let end = LIST.find("kind: List").unwrap();
    for cut in 1..end {
        let text = &LIST[..cut];
        let has_items = text.contains("items:\n- a");
        match documents(text.as_bytes()) {
            Ok(read) => assert!(!has_items, "{text:?} reads as {read:?}"),
            Err(error) => assert!(error.to_string().starts_with("live.yaml"), "{error}"),
        }
    }
    let error = refused(&format!("{OBJECT}---\n{}", &LIST[..end]));
    let expected = "live.yaml:6:1: a list without a kind: the recording is cut short; make it \
        again";
    assert_eq!(error, expected);
}

#[test]
fn errors_have_a_line_and_quote_nothing() {
    let error = refused("apiVersion: v1\nkind: Secret\ndata: {k: canary\n");
    assert!(error.starts_with("live.yaml:"), "{error}");
    assert!(!error.contains("canary"), "{error}");
    assert!(refused("# nothing\n---\n").contains("contains no objects"));
}

#[test]
fn positions_are_those_in_the_file() {
    let text = format!("# two\n{OBJECT}---\n{OBJECT}");
    let input = input("live.yaml".to_owned(), text.into_bytes()).unwrap();
    let second = input.text.find('\n').unwrap() + 1;
    assert_eq!(input.place(0), "live.yaml:2:1");
    assert_eq!(input.place(second), "live.yaml:7:1");
}

#[test]
fn a_small_file_that_expands_to_much_is_an_error() {
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let error = documents(&packed(&vec![b' '; 80 << 20])).unwrap_err();
    assert!(
        format!("{error:#}").contains("expands to more than"),
        "{error:#}"
    );
    assert_eq!(documents(&packed(OBJECT.as_bytes())).unwrap().len(), 1);
}

#[test]
fn a_key_that_occurs_twice_is_an_error() {
    let error = documents(b"kind: Namespace\nmetadata:\n  name: a\n  name: b\n").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("live.yaml:4:3: a key occurs twice"),
        "{error}"
    );
}
