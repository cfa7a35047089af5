//! Distinguishes strategic merge patches from objects.

use serde_json::{Map, Value};

/// Returns whether an object contains a directive of a strategic merge patch
/// (`k8s.io/apimachinery/pkg/util/strategicpatch`). Objects that contain patches, such as policies,
/// have them in fields for patches.
pub(super) fn has_patch_directive(fields: &Map<String, Value>) -> bool {
    // Few objects have such a key anywhere, which is quicker to see.
    holds_directive(fields, |_| false) && holds_directive(fields, speaks_of_patches)
}

/// Returns whether there is a directive outside the fields that are left out.
fn holds_directive(fields: &Map<String, Value>, is_left_out: impl Fn(&str) -> bool) -> bool {
    let mut stack: Vec<&Value> = Vec::new();
    let mut mapping = Some(fields);
    loop {
        for (key, value) in mapping.into_iter().flatten() {
            if is_directive(key) {
                return true;
            }
            if matches!(value, Value::Array(_) | Value::Object(_)) && !is_left_out(key) {
                stack.push(value);
            }
        }
        mapping = loop {
            match stack.pop() {
                None => return false,
                Some(Value::Array(items)) => stack.extend(items),
                Some(Value::Object(fields)) => break Some(fields),
                Some(_) => {}
            }
        };
    }
}

fn speaks_of_patches(key: &str) -> bool {
    let mut rest = key.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        // Nearly every key can be decided by its letters alone.
        if first.eq_ignore_ascii_case(&b'p')
            && let Some(word) = rest.get(.."patch".len())
            && word.eq_ignore_ascii_case(b"patch")
        {
            return true;
        }
        rest = behind;
    }
    false
}

fn is_directive(key: &str) -> bool {
    key.starts_with('$')
        && (matches!(key, "$patch" | "$retainKeys")
            || key.starts_with("$setElementOrder/")
            || key.starts_with("$deleteFromPrimitiveList/"))
}
