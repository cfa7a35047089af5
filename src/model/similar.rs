//! Suggests a similar name for one that does not exist.

/// The minimum similarity (Jaro-Winkler) of suggested names.
const SIMILAR: f64 = 0.85;

/// Returns the most similar name, if one is similar enough; of several, the first in order. The
/// comparison ignores case.
///
/// ```
/// use driftctl::model::nearest;
/// assert_eq!(nearest("replica", ["paused", "replicas"]), Some("replicas"));
/// assert_eq!(nearest("image", ["paused", "replicas"]), None);
/// ```
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|(a, x), (b, y)| a.total_cmp(b).then_with(|| y.cmp(x)))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_most_similar_name() {
        let known = ["Deployment", "DaemonSet", "deploy", "StatefulSet"];
        assert_eq!(nearest("Deploymnt", known), Some("Deployment"));
        assert_eq!(nearest("deplyo", known), Some("deploy"));
        assert_eq!(nearest("Widget", known), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn prefers_the_first_of_equally_similar_names() {
        assert_eq!(nearest("prod-c", ["prod-b", "prod-a"]), Some("prod-a"));
    }
}
